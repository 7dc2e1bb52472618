// The image's health check: 0 where the proxy is ready for clients. SALLYPORT_ADMIN gives the address of the admin server where it is not
// the image's default, such as http://127.0.0.1:9000.
import { request } from 'node:http';

const admin = process.env.SALLYPORT_ADMIN ?? 'http://127.0.0.1:9128';
const asked = request(`${admin}/readyz`, { timeout: 3000 }, (response) => {
  process.exitCode = response.statusCode === 200 ? 0 : 1;
  response.resume();
});
asked.on('timeout', () => asked.destroy(new Error('no answer in 3 s')));
asked.on('error', (cause) => {
  console.error(cause.message);
  process.exitCode = 1;
});
asked.end();
