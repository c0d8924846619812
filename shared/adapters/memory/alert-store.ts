import type { Alert } from '../../domain/alert/alert.ts';
import type { AlertStore, StoredAlert } from '../../ports/alert-store.ts';

export class MemoryAlertStore implements AlertStore {
  readonly #alerts = new Map<string, Map<string, { text: string; version: number }>>();
  #writes = 0;

  async read(partitionKey: string, id: string): Promise<StoredAlert | null> {
    const stored = this.#alerts.get(partitionKey)?.get(id);
    if (stored === undefined) return null;
    return { alert: JSON.parse(stored.text) as Alert, version: String(stored.version) };
  }

  async create(partitionKey: string, alert: Alert): Promise<boolean> {
    const partition = this.#alerts.get(partitionKey) ?? new Map();
    if (partition.has(alert.id)) return false;
    this.#alerts.set(partitionKey, partition);
    partition.set(alert.id, this.#written(alert));
    return true;
  }

  async replace(partitionKey: string, alert: Alert, version: string): Promise<boolean> {
    const partition = this.#alerts.get(partitionKey);
    const stored = partition?.get(alert.id);
    if (partition === undefined || String(stored?.version) !== version) return false;
    partition.set(alert.id, this.#written(alert));
    return true;
  }

  async *list(partitionKey?: string): AsyncIterable<Alert> {
    for (const [key, partition] of this.#alerts) {
      if (partitionKey !== undefined && key !== partitionKey) continue;
      for (const { text } of partition.values()) yield JSON.parse(text) as Alert;
    }
  }

  /** Kept as text, so that nobody holds a reference into the store. */
  #written(alert: Alert): { text: string; version: number } {
    return { text: JSON.stringify(alert), version: ++this.#writes };
  }
}
