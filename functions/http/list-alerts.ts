import { type HttpRequest, type HttpResponseInit, app } from '@azure/functions';
import { alertRecord } from '../../shared/pipeline/alert-record.ts';
import { services } from '../../shared/wiring.ts';

/** `GET /api/alerts[?deviceId=…]`: every alert, or those of one device. */
export async function listAlerts(request: HttpRequest): Promise<HttpResponseInit> {
  const { alerts } = await services();
  const value = [];
  for await (const alert of alerts.list(request.query.get('deviceId') ?? undefined)) {
    value.push(alertRecord(alert));
  }
  return { jsonBody: { value } };
}

app.http('listAlerts', {
  methods: ['GET'],
  route: 'alerts',
  authLevel: 'function',
  handler: listAlerts,
});
