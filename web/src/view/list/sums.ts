/**
 * Numbers in a row, with the sums of those before each: heights of rows, and so where each of them is.
 *
 * A Fenwick tree (Fenwick 1994): a changed number, one more at the end, where a number is and which is at a place cost
 * the logarithm of their count. What comes in elsewhere has the tree made anew, which for 100,000 is a fraction of a
 * millisecond.
 */
export class Sums {
  private values: number[] = [];
  /** From 1: `tree[i]` is the sum of as many numbers up to the i-th as the lowest bit of `i` says. */
  private tree: number[] = [0];

  get length(): number {
    return this.values.length;
  }

  get total(): number {
    return this.before(this.length);
  }

  at(index: number): number {
    return this.values[index] ?? 0;
  }

  set(index: number, value: number): void {
    const more = value - this.at(index);
    this.values[index] = value;
    for (let i = index + 1; i <= this.length; i += i & -i) this.tree[i] = this.node(i) + more;
  }

  /** The sum of the first `index` numbers. */
  before(index: number): number {
    let sum = 0;
    for (let i = Math.min(index, this.length); i > 0; i -= i & -i) sum += this.node(i);
    return sum;
  }

  /** The number that `place` lies in, when they stand one behind the other; past both ends the nearest. */
  indexAt(place: number): number {
    let index = 0;
    let left = place;
    for (let step = 1 << Math.floor(Math.log2(this.length || 1)); step > 0; step >>= 1) {
      const next = index + step;
      if (next > this.length || this.node(next) > left) continue;
      index = next;
      left -= this.node(next);
    }
    return Math.max(0, Math.min(index, this.length - 1));
  }

  /** At `at`, `removed` numbers go and `added` come. */
  splice(at: number, removed: number, added: readonly number[]): void {
    if (at + removed === this.length) {
      this.values.length = at;
      this.tree.length = at + 1;
      for (const value of added) this.push(value);
      return;
    }
    this.values = [...this.values.slice(0, at), ...added, ...this.values.slice(at + removed)];
    this.rebuild();
  }

  private push(value: number): void {
    const i = this.values.push(value);
    this.tree[i] = value + this.before(i - 1) - this.before(i - (i & -i));
  }

  private rebuild(): void {
    const tree = [0, ...this.values];
    for (let i = 1; i < tree.length; i++) {
      const parent = i + (i & -i);
      if (parent < tree.length) tree[parent] = (tree[parent] ?? 0) + (tree[i] ?? 0);
    }
    this.tree = tree;
  }

  private node(i: number): number {
    return this.tree[i] ?? 0;
  }
}
