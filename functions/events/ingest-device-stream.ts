import { type InvocationContext, app } from '@azure/functions';
import { readEventBatch } from '../../shared/format/trigger/event-batch.ts';
import { services } from '../../shared/wiring.ts';

export async function ingestDeviceStream(
  bodies: unknown,
  context: InvocationContext,
): Promise<void> {
  const batch = readEventBatch(bodies as Buffer[], context.triggerMetadata);
  const { ingest, intelligence } = await services();
  context.log('device stream ingested', {
    partition: batch.partition,
    ...(await ingest.ingest(batch)),
  });
  // The batch was matched with the snapshot before; only the log tells.
  if (intelligence.trouble !== null) context.warn(intelligence.trouble);
}

app.eventHub('ingestDeviceStream', {
  connection: 'DeviceStream',
  eventHubName: '%DeviceStreamEventHub%',
  consumerGroup: '%DeviceStreamConsumerGroup%',
  cardinality: 'many',
  // A binding field that the typed options lack; without it a body that is not JSON fails in the host.
  ...({ dataType: 'binary' } as object),
  // For ever: the host checkpoints a batch whose retries are used up, and it would be lost to this function.
  retry: {
    strategy: 'exponentialBackoff',
    maxRetryCount: -1,
    minimumInterval: { seconds: 2 },
    maximumInterval: { seconds: 60 },
  },
  handler: ingestDeviceStream,
});
