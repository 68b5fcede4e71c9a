import { createServer } from "node:http"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import { hostFault, isLoopback } from "../../gateway/index.ts"
import { type Configuration, InvalidSetting } from "../config.ts"

export interface Shown {
  /** Fails with a sentence while the process cannot do its work. */
  readonly ready: Effect.Effect<void, { readonly detail: string }>
  /** More metrics, in the text form of Prometheus. */
  readonly more?: () => string
}

const READY_TIMEOUT = "2 seconds"
const METRICS_TYPE = { contentType: "text/plain; version=0.0.4; charset=utf-8" }

/**
 * On loopback a request has to name loopback: a web page whose name was pointed at this machine would else read it. Elsewhere any
 * name may lead here.
 */
const unlessMisled = <E, R>(host: string, answer: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) => {
    const fault = isLoopback(host) ? hostFault(headers.host ?? "", { host, hosts: [], allowedOrigins: [] }) : undefined
    return fault === undefined
      ? answer
      : Effect.succeed(HttpServerResponse.text("the Host of the request is not this machine's\n", { status: 421 }))
  })

/**
 * Shows this process's metrics under `/metrics`, in the text form of Prometheus, and under `/readyz` whether it can do its work,
 * for health checks, if a port is set for them. Until the scope closes.
 */
export const showMetrics = ({ host, metricsPort: port }: Configuration, { ready, more = () => "" }: Shown) => {
  if (port === undefined) return Effect.void
  const metrics = Effect.map(PrometheusMetrics.format(), (text) =>
    HttpServerResponse.text(`${text.trimEnd()}\n${more()}`, METRICS_TYPE)
  )
  const said = (status: number, text: string) => HttpServerResponse.text(`${text}\n`, { status })
  const readiness = ready.pipe(
    Effect.as(said(200, "ready")),
    Effect.timeoutOrElse({ duration: READY_TIMEOUT, orElse: () => Effect.fail({ detail: "the log does not answer" }) }),
    Effect.catch(({ detail }) => Effect.succeed(said(503, `not ready: ${detail}`)))
  )
  const routes = Layer.merge(
    HttpRouter.add("GET", "/metrics", unlessMisled(host, metrics)),
    HttpRouter.add("GET", "/readyz", unlessMisled(host, readiness))
  )
  // A quarter of a second to load, and mostly not wanted.
  return Effect.promise(() => import("@effect/platform-node/NodeHttpServer")).pipe(
    Effect.flatMap((NodeHttpServer) =>
      Layer.build(
        HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
          Layer.provide(NodeHttpServer.layer(createServer, { host, port }))
        )
      )
    ),
    Effect.asVoid,
    Effect.mapError(
      () =>
        new InvalidSetting({
          variable: "METRICS_PORT",
          value: String(port),
          rule: `must be a port that is free on ${host}`
        })
    )
  )
}
