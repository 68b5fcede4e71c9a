import { createServer } from "node:http"
import { Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import { type Configuration, InvalidSetting } from "./config.ts"

/** Shows this process's metrics under `/metrics`, in the text form of Prometheus, if a port is set for them. Until the scope closes. */
export const showMetrics = ({ host, metricsPort: port }: Configuration) =>
  port === undefined
    ? Effect.void
    : // A quarter of a second to load, and mostly not wanted.
      Effect.promise(() => import("@effect/platform-node/NodeHttpServer")).pipe(
        Effect.flatMap((NodeHttpServer) =>
          Layer.build(
            HttpRouter.serve(PrometheusMetrics.layerHttp(), { disableLogger: true, disableListenLog: true }).pipe(
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
