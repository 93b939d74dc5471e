/**
 * Events on their way into Redis; see take.lua.
 * @module
 */
import { script } from "../../engine/redis/script.ts";
import type { ScriptRunner } from "../../engine/redis/script_runner.ts";
import type { Target, TransferConflict } from "../../transfer.ts";
import type { EventRecord } from "../transfer.ts";

const TAKE = script("event/take");

/** The events of a namespace. */
export class RedisEventTransfer implements Target<EventRecord> {
  readonly #runner: ScriptRunner;
  readonly #outage: string;

  /**
   * Uses the runner's connection and namespace. `outage` tells the outage that the events are of from all others, also of
   * other sites; it has no spaces. Default: there is only one.
   */
  constructor(runner: ScriptRunner, { outage = "" }: { readonly outage?: string } = {}) {
    this.#runner = runner;
    this.#outage = outage;
  }

  /**
   * Takes events over with their identifiers, in order; those that are there already are passed over. Events of calls that
   * this store has executed meanwhile are taken out, and come back behind the `last` ones with new identifiers, without
   * those of the same type about the same subject as one that is told. So the last portion, which may be empty, has
   * to be told as such. Default: others follow.
   */
  async take(
    records: readonly EventRecord[],
    { last = false }: { readonly last?: boolean } = {},
  ): Promise<readonly TransferConflict[]> {
    let args = records.flatMap(({ atMs, seq, type, subject, agent = "", data }) => {
      const text = `${agent}\0${data === undefined ? "" : JSON.stringify(data)}\0${subject}`;
      return [atMs, seq, type, text];
    });
    for (;;) {
      const left = await this.#runner.write(TAKE, undefined, last ? 1 : "", this.#outage, ...args);
      if (left === 0) return [];
      if (left === 2) args = [];
    }
  }
}
