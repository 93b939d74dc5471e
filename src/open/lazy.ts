/**
 * A store that is opened, and made if it is missing, by the first step that needs it: a call that is
 * refused before any step leaves no store behind.
 * @module
 */
import type { Waker } from "../engine/waker.ts";
import type { Store } from "../store.ts";

/** {@linkcode Store} in front of one that is not open yet. */
export class LazyStore implements Store {
  readonly kind: Store["kind"];
  readonly location: string;
  readonly #open: () => Promise<Store>;
  #opening: Promise<Store> | undefined;
  #opened: Store | undefined;

  /** `open` is called once, at the first need. */
  constructor(
    { kind, location }: Pick<Store, "kind" | "location">,
    open: () => Promise<Store>,
  ) {
    this.kind = kind;
    this.location = location;
    this.#open = open;
  }

  async locks() {
    return (await this.#store()).locks();
  }

  async agents() {
    return (await this.#store()).agents();
  }

  async tasks() {
    return (await this.#store()).tasks();
  }

  async board() {
    return (await this.#store()).board();
  }

  async approvals() {
    return (await this.#store()).approvals();
  }

  async audit() {
    return (await this.#store()).audit();
  }

  async events() {
    return (await this.#store()).events();
  }

  get clockAheadMs(): number | undefined {
    return this.#opened?.clockAheadMs;
  }

  async waker(): Promise<Waker> {
    return await (await this.#store()).waker();
  }

  async close(options: { readonly exiting?: boolean } = {}): Promise<void> {
    // One that failed to open has nothing to close, and has been reported.
    await this.#opening?.catch(() => undefined);
    await this.#opened?.close(options);
  }

  async #store(): Promise<Store> {
    this.#opening ??= this.#open();
    return this.#opened = await this.#opening;
  }
}
