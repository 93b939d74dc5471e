/**
 * What of an approval never changes, as the scripts keep it.
 * @module
 */
import type { Approval } from "../model.ts";

/** The beginning of what everybody sees of it, as JSON without its end; see record.lua. */
export function headOf(
  { id, actionType, description }: Pick<Approval, "id" | "actionType" | "description">,
): string {
  return JSON.stringify({ id, actionType, description }).slice(0, -1);
}
