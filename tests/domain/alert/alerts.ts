// Sightings for the tests: one flow of one device with one listed address, unless told otherwise.
import type { AlertKey, CountedSighting, Sighting } from '../../../shared/domain/alert/alert.ts';
import type { Totals } from '../../../shared/domain/alert/totals.ts';
import { indicator } from '../../format/activity-log/blocks.ts';

export const SEEN = 1_787_400_000_000;

export const KEY: AlertKey = {
  alertType: 'IoT_TiConnection',
  ruleType: null,
  deviceId: 'device-1',
  subject: { kind: 'address', address: '192.0.2.1' },
};

export function totals(fields: Partial<Totals> = {}): Totals {
  return {
    messages: 1,
    connections: 1,
    bytesIn: 10,
    bytesOut: 20,
    firstSeen: SEEN,
    lastSeen: SEEN,
    ...fields,
  };
}

export function sighting(fields: Partial<Sighting> = {}): Sighting {
  return {
    key: KEY,
    moduleId: null,
    securityGroup: 'default',
    severity: 'medium',
    direction: 'outboundAttempt',
    indicators: [indicator()],
    warningLists: [],
    snapshot: 'snapshot-1',
    totals: totals(),
    flows: [
      {
        time: SEEN,
        protocol: 'TCP',
        localAddress: '10.0.0.5',
        localPort: 40_000,
        remotePort: 443,
        bytesIn: 10,
        bytesOut: 20,
        direction: 'outboundAttempt',
      },
    ],
    ...fields,
  };
}

/** As the fold found it: in the block that ends with this sequence number. */
export function counted(
  sequence: number,
  fields: Partial<Sighting> = {},
  epoch = 0,
): CountedSighting {
  return { ...sighting(fields), position: { epoch, sequence } };
}
