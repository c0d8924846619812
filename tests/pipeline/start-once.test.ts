import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type OrchestrationClient, startOnce, statusOf } from '../../shared/pipeline/start-once.ts';

/** A client that knows one instance, or none; it remembers what was started. */
function clientWith(runtimeStatus: string | null) {
  const started: unknown[] = [];
  const client: OrchestrationClient = {
    getStatus: async (instanceId) => {
      if (runtimeStatus !== null) return { runtimeStatus };
      throw new Error(`DurableClient error: HTTP 404 for ${instanceId}`);
    },
    startNew: async (orchestrator, { instanceId, input }) => {
      started.push([orchestrator, instanceId, input]);
      return instanceId;
    },
  };
  return { client, started };
}

describe('an orchestration that is started once', () => {
  it('is started where there is none of its id, or where the last one ended', async () => {
    for (const status of [null, 'Completed', 'Failed', 'Terminated', 'Canceled']) {
      const { client, started } = clientWith(status);
      assert.equal(await startOnce(client, 'fold', 'fold-1', { from: 1 }), true);
      assert.deepEqual(started, [['fold', 'fold-1', { from: 1 }]]);
    }
  });

  it('is not started beside one that is on its way', async () => {
    for (const status of ['Pending', 'Running', 'Suspended', 'ContinuedAsNew']) {
      const { client, started } = clientWith(status);
      assert.equal(await startOnce(client, 'fold', 'fold-1', null), false);
      assert.deepEqual(started, []);
    }
  });

  it('gets null for no input', async () => {
    const { client, started } = clientWith(null);
    await startOnce(client, 'fold', 'fold-1', undefined);
    assert.deepEqual(started, [['fold', 'fold-1', null]]);
  });

  it('is not taken for one that never was where the client cannot be asked', async () => {
    const client = {
      getStatus: async () => {
        throw new Error('HTTP 500');
      },
    };
    await assert.rejects(statusOf(client, 'fold-1'), /HTTP 500/);
  });
});
