import type { Alert } from '../domain/alert/alert.ts';

/** An alert and the version that it was read in, which a replacement must still find. */
export interface StoredAlert {
  readonly alert: Alert;
  readonly version: string;
}

export interface AlertStore {
  /** Null when there is none. */
  read(partitionKey: string, id: string): Promise<StoredAlert | null>;
  /** False when an alert of this id is there already. */
  create(partitionKey: string, alert: Alert): Promise<boolean>;
  /** False when the stored alert is no longer the one that was read. */
  replace(partitionKey: string, alert: Alert, version: string): Promise<boolean>;
  /** All alerts, in no particular order; those of one partition where a key is given. */
  list(partitionKey?: string): AsyncIterable<Alert>;
}
