/** Sums over the messages of an alert; times are IoT Hub's, epoch milliseconds. */
export interface Totals {
  /** Messages with at least one matching connection record; repeats left out. */
  readonly messages: number;
  /** Matching connection records: rows, not distinct tuples. */
  readonly connections: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly firstSeen: number;
  readonly lastSeen: number;
}

/** Adding is commutative and associative, so the order in which blocks are read does not matter. */
export function addTotals(a: Totals, b: Totals): Totals {
  return {
    messages: a.messages + b.messages,
    connections: a.connections + b.connections,
    bytesIn: a.bytesIn + b.bytesIn,
    bytesOut: a.bytesOut + b.bytesOut,
    firstSeen: Math.min(a.firstSeen, b.firstSeen),
    lastSeen: Math.max(a.lastSeen, b.lastSeen),
  };
}
