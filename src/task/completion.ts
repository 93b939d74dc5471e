/**
 * What is left to do behind a completion that the store has made: telling the rest of very many dependents, and
 * looking further for a next task.
 * @module
 */
import { CoordError } from "../errors.ts";

/**
 * Does the rest. The completion stands, and so does what was claimed with it: when the store fails from here on,
 * that is the answer. The next operation that looks for work unblocks the tasks that were left.
 */
export async function goOn<Done>(done: Done, rest: () => Promise<Done>): Promise<Done> {
  try {
    return await rest();
  } catch (error) {
    if (error instanceof CoordError) return done;
    throw error;
  }
}
