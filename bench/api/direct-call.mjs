import { ALBUMS_PATH } from './albums-app.mjs';

/**
 * Lets a request through guards and middleware as the framework would, without any HTTP.
 *
 * @param {import('@nestjs/common').INestApplication} app
 * @param {Function} controller
 * @param {import('./albums-app.mjs').Protection} protection
 * @returns {(authorization: string) => Promise<void>} rejects where the request is refused
 */
export function createDirectCall(app, controller, { guards = [], globalGuards = [], middleware = [] }) {
  const handler = controller.prototype.list;
  const all = [...globalGuards.map((guard) => app.get(guard)), ...guards];
  const response = new QuietResponse();
  return async (authorization) => {
    const request = new PlainRequest(authorization);
    for (const use of middleware) await passed(use, request, response);
    const context = new DirectContext(controller, handler, request, response);
    for (const guard of all) if (!(await guard.canActivate(context))) throw new Error('refused');
  };
}

/** What the contestants use of a request, in Express's shape. */
class PlainRequest {
  method = 'GET';
  url = ALBUMS_PATH;
  originalUrl = ALBUMS_PATH;
  protocol = 'http';
  query = {};

  constructor(authorization) {
    this.headers = { host: '127.0.0.1', authorization };
    this.rawHeaders = ['Host', '127.0.0.1', 'Authorization', authorization];
  }

  get(name) {
    return this.headers[name.toLowerCase()];
  }

  /** There is no body of any type. */
  is() {
    return false;
  }
}

function passed(use, request, response) {
  return new Promise((resolve, reject) => {
    use(request, response, (error) => (error === undefined ? resolve() : reject(error)));
  });
}

class DirectContext {
  #controller;
  #handler;
  #request;
  #response;

  constructor(controller, handler, request, response) {
    this.#controller = controller;
    this.#handler = handler;
    this.#request = request;
    this.#response = response;
  }

  getType() {
    return 'http';
  }
  getClass() {
    return this.#controller;
  }
  getHandler() {
    return this.#handler;
  }
  getArgs() {
    return [this.#request, this.#response];
  }
  getArgByIndex(index) {
    return this.getArgs()[index];
  }
  switchToHttp() {
    return this;
  }
  getRequest() {
    return this.#request;
  }
  getResponse() {
    return this.#response;
  }
  getNext() {
    return undefined;
  }
}

/** Takes headers and keeps none. */
class QuietResponse {
  header() {
    return this;
  }
  setHeader() {
    return this;
  }
  getHeader() {
    return undefined;
  }
  end() {
    return this;
  }
}
