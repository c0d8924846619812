import { type HttpRequest, type HttpResponseInit, app } from '@azure/functions';
import { jsonOfBody } from '../../shared/format/http-body.ts';
import { answering } from '../../shared/format/http-problem.ts';
import { services } from '../../shared/wiring.ts';

const MAX_BODY = 10_000;

/** `PUT /api/allowlist/{network}` with `{"reason", "expiresAt"?}`: contact with the network raises nothing from now on. */
export async function putAllowEntry(request: HttpRequest): Promise<HttpResponseInit> {
  return answering(async () => {
    const manage = await import('../../shared/pipeline/feeds/operate/manage-allowlist.ts');
    const body = await jsonOfBody(request, MAX_BODY);
    const { feeds } = await services();
    const network = request.params['network'] ?? '';
    const { entry, created } = await manage.putAllowEntry(await feeds(), network, body);
    return { status: created ? 201 : 200, jsonBody: entry };
  });
}

app.http('putAllowEntry', {
  methods: ['PUT'],
  route: 'allowlist/{*network}',
  authLevel: 'function',
  handler: putAllowEntry,
});
