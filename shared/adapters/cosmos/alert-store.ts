import type { Container, CosmosClient } from '@azure/cosmos';
import { type Alert, shownTally } from '../../domain/alert/alert.ts';
import { formatInstant } from '../../domain/time/instant.ts';
import type { AlertStore, StoredAlert } from '../../ports/alert-store.ts';
import { ALERTS, DATABASE, statusOf } from './cosmos.ts';

/** What stands beside the alert is there to be asked for in queries. */
interface AlertDocument {
  readonly id: string;
  readonly pk: string;
  readonly record: 'alert';
  readonly alertType: string;
  readonly severity: string;
  readonly status: string;
  readonly deviceId: string | null;
  readonly securityGroup: string | null;
  readonly lastSeen: string | null;
  readonly alert: Alert;
}

export class CosmosAlertStore implements AlertStore {
  readonly #container: Container;

  constructor(client: CosmosClient) {
    this.#container = client.database(DATABASE).container(ALERTS);
  }

  async read(partitionKey: string, id: string): Promise<StoredAlert | null> {
    const { resource, etag, statusCode } = await this.#container
      .item(id, partitionKey)
      .read<AlertDocument>();
    // The SDK gives a missing item as an answer with 404; so it does for a missing container, where `create` then throws.
    if (statusCode === 404 || resource === undefined) return null;
    return { alert: fromDocument(resource), version: etag };
  }

  async create(partitionKey: string, alert: Alert): Promise<boolean> {
    try {
      await this.#container.items.create(toDocument(partitionKey, alert));
      return true;
    } catch (error) {
      if (statusOf(error) === 409) return false;
      throw error;
    }
  }

  async replace(partitionKey: string, alert: Alert, version: string): Promise<boolean> {
    try {
      await this.#container.item(alert.id, partitionKey).replace(toDocument(partitionKey, alert), {
        accessCondition: { type: 'IfMatch', condition: version },
      });
      return true;
    } catch (error) {
      const status = statusOf(error);
      if (status === 412 || status === 404) return false;
      throw error;
    }
  }

  async *list(partitionKey?: string): AsyncIterable<Alert> {
    const options = partitionKey === undefined ? {} : { partitionKey };
    const pages = this.#container.items
      .query<AlertDocument>("SELECT * FROM c WHERE c.record = 'alert'", options)
      .getAsyncIterator();
    for await (const { resources } of pages) {
      for (const document of resources) yield fromDocument(document);
    }
  }
}

function toDocument(pk: string, alert: Alert): AlertDocument {
  const { id, alertType, severity, status, deviceId, securityGroup } = alert;
  const tally = shownTally(alert);
  const lastSeen = tally === null ? null : formatInstant(tally.totals.lastSeen);
  return {
    id,
    pk,
    record: 'alert',
    alertType,
    severity,
    status,
    deviceId,
    securityGroup,
    lastSeen,
    alert,
  };
}

/** Version 0.1 wrote alerts that no hunt knew of. */
function fromDocument({ alert }: AlertDocument): Alert {
  return { ...alert, hunted: alert.hunted ?? null, huntedIn: alert.huntedIn ?? {} };
}
