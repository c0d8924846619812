/** What must hold beside the address; an indicator with a constraint never fires without it. */
export interface Constraint {
  readonly ports: readonly number[] | null;
  readonly direction: 'source' | 'destination' | null;
  readonly protocol: string | null;
}
