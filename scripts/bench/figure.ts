/**
 * What a benchmark reports, and how it is judged.
 * @module
 */
import { type Effort, median } from "./harness.ts";

/** One benchmark. */
export interface Benchmark {
  /** What `--only` calls it. */
  readonly name: string;
  /** What it does, in one line. */
  readonly about: string;
  /** Measures. */
  readonly run: (effort: Effort) => Promise<readonly Figure[]>;
}

/** One measured thing: a value from each round, perhaps beside a yardstick's from the same rounds. */
export interface Figure {
  /** What was measured. */
  readonly name: string;
  /** Unit of the values. */
  readonly unit: string;
  /** One value per round. */
  readonly values: readonly number[];
  /** The yardstick: its `values` stand round by round beside the figure's. */
  readonly beside?: Pick<Figure, "name" | "values">;
  /** What it should reach. */
  readonly target?: Target;
}

/** A bound on the median, or on the median ratio to the yardstick. */
export interface Target {
  /** What is bounded. */
  readonly of: "median" | "ratio";
  /** Lower bound. */
  readonly atLeast?: number;
  /** Upper bound. */
  readonly atMost?: number;
}

/** A figure in numbers that can be printed. */
export interface Verdict {
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly beside?: { readonly name: string; readonly median: number };
  /** Median of the rounds' own ratios, so that a drift over the rounds cancels out. */
  readonly ratio?: number;
  readonly target?: Target;
  readonly met?: boolean;
}

/** Sums a figure up and says whether it reaches its target. */
export function judge({ name, unit, values, beside, target }: Figure): Verdict {
  const middle = median(values);
  const ratio = beside && median(values.map((value, round) => value / beside.values[round]!));
  return {
    name,
    unit,
    median: middle,
    low: Math.min(...values),
    high: Math.max(...values),
    ...(beside && { beside: { name: beside.name, median: median(beside.values) } }),
    ...(ratio !== undefined && { ratio }),
    ...(target && { target, met: reaches(target.of === "ratio" ? ratio : middle, target) }),
  };
}

function reaches(value: number | undefined, { atLeast, atMost }: Target): boolean {
  return value !== undefined && value >= (atLeast ?? -Infinity) && value <= (atMost ?? Infinity);
}
