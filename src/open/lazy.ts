/**
 * A store that is opened, and made if it is missing, by the first operation that needs it: a call that is
 * refused before any operation leaves no store behind.
 * @module
 */
import type { Waker } from "../engine/waker.ts";
import type { Openers, Primitive } from "../primitives.ts";
import type { AuthorityStatus, FailbackResult, Journal, Site, Store } from "../store.ts";
import { PrimitiveStore } from "./primitive_store.ts";

/** {@linkcode Store} in front of one that is not open yet. */
export class LazyStore extends PrimitiveStore implements Store {
  readonly kind: Store["kind"];
  readonly location: string;
  readonly #store: () => Promise<Store>;
  #opening: Promise<Store> | undefined;
  #opened: Store | undefined;

  /** `open` is called once, at the first need. */
  constructor(
    { kind, location }: Pick<Store, "kind" | "location">,
    open: () => Promise<Store>,
  ) {
    const store = async () => {
      this.#opening ??= open();
      return this.#opened = await this.#opening;
    };
    super(async <Name extends Primitive>(name: Name) => {
      const opened: Openers = await store();
      return await opened[name]();
    });
    this.kind = kind;
    this.location = location;
    this.#store = store;
  }

  get clockAheadMs(): number | undefined {
    return this.#opened?.clockAheadMs;
  }

  verifyPresence(): void {
    this.#opened?.verifyPresence?.();
  }

  async authority(): Promise<AuthorityStatus | undefined> {
    return await (await this.#store()).authority?.();
  }

  async failback(): Promise<FailbackResult | undefined> {
    return await (await this.#store()).failback?.();
  }

  async journal(limit: number): Promise<Journal | undefined> {
    return await (await this.#store()).journal?.(limit);
  }

  async sites(forget?: string): Promise<readonly Site[] | undefined> {
    return await (await this.#store()).sites?.(forget);
  }

  async waker(): Promise<Waker> {
    return await (await this.#store()).waker();
  }

  async close(options: { readonly exiting?: boolean } = {}): Promise<void> {
    // One that failed to open has nothing to close, and has been reported.
    await this.#opening?.catch(() => undefined);
    await this.#opened?.close(options);
  }
}
