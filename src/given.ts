/**
 * Fields that are there only when they have a value.
 * @module
 */

/** `fields` without those that are undefined: in JSON, and for a spread, an absent field and an undefined one differ. */
export function given<Fields extends Readonly<Record<string, unknown>>>(
  fields: Fields,
): { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> } {
  const kept: Record<string, unknown> = {};
  for (const key in fields) {
    if (fields[key] !== undefined) kept[key] = fields[key];
  }
  return kept as { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> };
}
