/** Version vectors: for each origin the greatest `seq` held. */
import type { Vector } from "../protocol/frames";

export function covers(vector: Vector, origin: string, seq: number): boolean {
  return (vector[origin] ?? 0) >= seq;
}

/** Notes that `seq` of `origin` is held. */
export function advance(vector: Vector, origin: string, seq: number): void {
  if (!covers(vector, origin, seq)) vector[origin] = seq;
}

/** Takes the greater of each origin into `into`. */
export function merge(into: Vector, other: Vector): void {
  for (const origin of Object.keys(other)) advance(into, origin, other[origin] ?? 0);
}

export function isEmpty(vector: Vector): boolean {
  return Object.keys(vector).length === 0;
}
