/** The people of a room, as far as they are named: found by uid, listed by name. A change gives another `People`. */
import type { UserRef } from "../protocol/frames";

export class People implements Iterable<UserRef> {
  private list: UserRef[] | null = null;

  private constructor(private readonly byUid: ReadonlyMap<string, UserRef>) {}

  static of(users: readonly UserRef[] = []): People {
    return new People(new Map(users.map((user) => [user.uid, user])));
  }

  get length(): number {
    return this.byUid.size;
  }

  byId(uid: string): UserRef | undefined {
    return this.byUid.get(uid);
  }

  [Symbol.iterator](): IterableIterator<UserRef> {
    return this.byUid.values();
  }

  /** Those who came (or are otherwise than they were) are in it, those who went are not. */
  changed(came: readonly UserRef[], went: readonly string[]): People {
    const byUid = new Map(this.byUid);
    for (const user of came) byUid.set(user.uid, user);
    for (const uid of went) byUid.delete(uid);
    return new People(byUid);
  }

  /** By name, those away last. Sorted once, when somebody looks. */
  listed(): readonly UserRef[] {
    this.list ??= [...this.byUid.values()].sort(
      (a, b) => Number(a.away ?? false) - Number(b.away ?? false) || (a.name < b.name ? -1 : 1),
    );
    return this.list;
  }
}
