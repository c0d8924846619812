/** What came of a window, on one partition or on all. */
export interface WindowSummary {
  /** Held to some rule. */
  readonly devices: number;
  readonly alerts: number;
  /** Messages of the window may have been destroyed unread: then nobody was held to a minimum. */
  readonly mayHaveLost: boolean;
  /** Messages of earlier windows that came in this one of five minutes, behind the grace period of their own. */
  readonly late: number;
}

export const NOTHING_JUDGED: WindowSummary = { devices: 0, alerts: 0, mayHaveLost: false, late: 0 };

export function sumOf(summaries: readonly WindowSummary[]): WindowSummary {
  return {
    devices: summaries.reduce((sum, { devices }) => sum + devices, 0),
    alerts: summaries.reduce((sum, { alerts }) => sum + alerts, 0),
    mayHaveLost: summaries.some(({ mayHaveLost }) => mayHaveLost),
    late: summaries.reduce((sum, { late }) => sum + late, 0),
  };
}
