/** What an operator did by hand. */
export interface AuditEntry {
  readonly at: Date;
  /** `demo` in the open demo. */
  readonly who: string;
  /** The verb, e.g. `mensaje.omitir`. */
  readonly action: string;
  /** What it was done to, e.g. a held message's id or `<saga>/<step>`. */
  readonly target: string;
  readonly reason: string;
}
