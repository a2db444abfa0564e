/** One place of the product's code, and what a developer might have written there instead. */
export interface Patch {
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** A fault that someone could really make, and that must not survive. */
export interface Defect {
  readonly name: string;
  /** What goes wrong, in one sentence. */
  readonly sentence: string;
  readonly patches: readonly Patch[];
  /** Whose sagas show it; where it is absent, each seed has one system or both. */
  readonly system?: 'campaign' | 'compra';
  /** The suite that catches what no saga can show: the simulation is not asked then. */
  readonly suite?: string;
}
