/** The last `capacity` ids that were added. */
export interface RecentIds {
  add(id: string): void;
  has(id: string): boolean;
}

export const recentIds = (capacity: number): RecentIds => {
  let newer = new Set<string>();
  let older = new Set<string>();
  return {
    add(id) {
      newer.add(id);
      if (newer.size <= capacity) return;
      older = newer;
      newer = new Set();
    },
    has: (id) => newer.has(id) || older.has(id),
  };
};
