/**
 * A task's description and payload, on the directory engine. Short ones lie in the task's row; long ones lie
 * beside it, so that a claim or a completion, which rewrites the row, does not rewrite them.
 * @module
 */
import type { Reader, Transaction } from "../../engine/directory/transaction.ts";

/** What its creator wrote at length; `payload` is JSON. */
export interface Texts {
  readonly description: string;
  readonly payload: string | null;
}

/** The columns of a task's row that this is about. */
interface TextColumns {
  readonly seq: number;
  /** `null` when it lies beside the row. */
  description: string | null;
  payload: string | null;
}

/** Up to this length a row with its texts still fits into a page of the database. */
const SHORT = 512;

/** What lies in the row: both texts, or neither. */
export function inRow(texts: Texts): Omit<TextColumns, "seq"> {
  const { description, payload } = texts;
  const short = description.length + (payload?.length ?? 0) <= SHORT;
  return short ? texts : { description: null, payload: null };
}

/** Puts the texts of a new task beside its row, if that is where they belong. */
export function putBeside(tx: Transaction, seq: number, texts: Texts): void {
  if (inRow(texts).description !== null) return;
  const { description, payload } = texts;
  tx.run("INSERT INTO task_texts VALUES (?, ?, ?)", seq, description, payload);
}

/** Replaces the texts of a task, in the row and beside it. The row is the caller's to save. */
export function replaceTexts(tx: Transaction, row: TextColumns, texts: Texts): void {
  if (row.description === null) tx.run("DELETE FROM task_texts WHERE seq = ?", row.seq);
  const { description, payload } = inRow(texts);
  row.description = description;
  row.payload = payload;
  putBeside(tx, row.seq, texts);
}

/** The texts of a task, wherever they lie. */
export function textsOf(
  reader: Reader,
  { seq, description, payload }: Readonly<TextColumns>,
): Texts {
  if (description !== null) return { description, payload };
  return reader.get<Texts>("SELECT description, payload FROM task_texts WHERE seq = ?", seq)!;
}
