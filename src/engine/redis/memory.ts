/**
 * What a namespace on a server remembers: everything since an instant, its memory, which is in its state. It is another
 * one when the namespace was emptied, or when the server that answers may lack the newest writes: it was restarted,
 * restored or promoted. A client may say with each call which memory it expects; see state.lua.
 * @module
 */

/** The server's memory is not the one that was expected. The call has done nothing, unless {@linkcode MemoryChangedError.sent}. */
export class MemoryChangedError extends Error {
  override readonly name = "MemoryChangedError";
  /** What it is now: epoch microseconds of the server's clock; 0 where there is none, or an older program made it. */
  readonly memory: number;

  /**
   * Whether an earlier try of the call got no answer: the server may have done it before its memory changed, and may
   * remember that, as one does that was restarted and keeps everything.
   */
  readonly sent: boolean;

  /** Whether the server had lost everything, and this call has noted that. */
  readonly emptied: boolean;

  /** Says that `memory` was found. */
  constructor(memory: number, sent: boolean, emptied = false) {
    super(
      `The server remembers what was written since ${memory}, and that is not what was expected`,
    );
    this.memory = memory;
    this.sent = sent;
    this.emptied = emptied;
  }
}

/** What a server's error says about its memory, if it is about that; `sent` as in the error that is made of it. */
export function memoryChange(error: unknown, sent: boolean): MemoryChangedError | undefined {
  const found = error instanceof Error && /^MEMORY (\d+)( emptied)?/.exec(error.message);
  return found ? new MemoryChangedError(Number(found[1]), sent, found[2] !== undefined) : undefined;
}
