/** Time as an argument (P6): nothing in the pipeline asks the machine. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
}
