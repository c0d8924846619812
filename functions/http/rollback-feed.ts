import { type HttpRequest, type HttpResponseInit, app } from '@azure/functions';
import { jsonOfBody } from '../../shared/format/http-body.ts';
import { answering } from '../../shared/format/http-problem.ts';
import { services } from '../../shared/wiring.ts';

const MAX_BODY = 10_000;

/** `POST /api/feeds/{name}/rollback`: puts an earlier state in use, `{"state": "…"}` or the latest. */
export async function rollbackFeed(request: HttpRequest): Promise<HttpResponseInit> {
  return answering(async () => {
    const manage = await import('../../shared/pipeline/feeds/operate/manage-feeds.ts');
    const body = await jsonOfBody(request, MAX_BODY);
    const { feeds } = await services();
    const name = request.params['name'] ?? '';
    return { jsonBody: await manage.rollbackFeed(await feeds(), name, body) };
  });
}

app.http('rollbackFeed', {
  methods: ['POST'],
  route: 'feeds/{name}/rollback',
  authLevel: 'function',
  handler: rollbackFeed,
});
