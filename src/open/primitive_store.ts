/**
 * What every store has in common: one method for each primitive.
 * @module
 */
import { type Openers, type Operations, type Primitive, PRIMITIVES } from "../primitives.ts";

/** Gives the operations on a primitive. */
export type Open = <Name extends Primitive>(name: Name) => Promise<Operations[Name]>;

/** How an engine makes the operations on each primitive; loads the code of that one only. */
export type Wings<Engine> = {
  readonly [Name in Primitive]: (engine: Engine) => Promise<Operations[Name]>;
};

/** The wings of an engine, each opened at its first use and kept. */
export function opensOnce<Engine>(wings: Wings<Engine>, engine: Engine): Open {
  const opened: { -readonly [Name in Primitive]?: Promise<Operations[Name]> } = {};
  return <Name extends Primitive>(name: Name): Promise<Operations[Name]> =>
    opened[name] ??= wings[name](engine) as typeof opened[Name] & object;
}

class Opening {
  constructor(open: Open) {
    for (const name of PRIMITIVES) Object.assign(this, { [name]: () => open(name) });
  }
}

/** A class with a method for each primitive, which asks `open` for its operations. */
export const PrimitiveStore: new (open: Open) => Openers = Opening as new (open: Open) => Openers;
