import { type HttpRequest, type HttpResponseInit, app } from '@azure/functions';
import { answering } from '../../shared/format/http-problem.ts';
import { services } from '../../shared/wiring.ts';

/** `DELETE /api/allowlist/{network}`: the network is no longer vouched for. */
export async function deleteAllowEntry(request: HttpRequest): Promise<HttpResponseInit> {
  return answering(async () => {
    const { removeAllowEntry } =
      await import('../../shared/pipeline/feeds/operate/manage-allowlist.ts');
    const { feeds } = await services();
    await removeAllowEntry(await feeds(), request.params['network'] ?? '');
    return { status: 204 };
  });
}

app.http('deleteAllowEntry', {
  methods: ['DELETE'],
  route: 'allowlist/{*network}',
  authLevel: 'function',
  handler: deleteAllowEntry,
});
