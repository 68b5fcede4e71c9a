// Executions that are alike, found by k-means; how many kinds there are is what the silhouette says.
import { kMeansCluster, mean, silhouette } from "simple-statistics"
import type { ToolCluster } from "../../protocols/index.ts"
import { countFeatures } from "./predictors.ts"
import type { Execution } from "./state.ts"
import { percentile } from "./statistics.ts"

/** How many executions it takes to look for kinds of them, and how many of the latest are looked at: distances are squared in number. */
export const CLUSTER_EXECUTIONS_MIN = 60
const CLUSTER_EXECUTIONS_MAX = 200
const CLUSTERS_MAX = 5
/** A mean silhouette below it is no structure worth telling: L. Kaufman, P. J. Rousseeuw, Finding Groups in Data, 1990. */
const SILHOUETTE_MIN = 0.5
/** K-means depends on where it starts. */
const STARTS = 3
const DIMENSIONS_MAX = 16
const TYPICAL_MAX = 5

/** The kinds of executions in a window, the largest first; null where there are too few, or where they are of one kind. */
export const clustersOf = (
  window: ReadonlyArray<Execution>,
  random: () => number
): ReadonlyArray<typeof ToolCluster.Type> | null => {
  if (window.length < CLUSTER_EXECUTIONS_MIN) return null
  const latest = window.slice(-CLUSTER_EXECUTIONS_MAX)
  const points = toPoints(latest)
  const best = bestLabels(points, random)
  if (best === undefined) return null
  const groups = Map.groupBy(latest, (execution) => best.get(execution)!)
  return [...groups.values()].toSorted((a, b) => b.length - a.length).map((group) => describe(group, latest))
}

/** Time on a logarithmic scale and outcome, then a dimension for each feature's value that some have and others have not. */
const toPoints = (window: ReadonlyArray<Execution>): ReadonlyMap<Execution, Array<number>> => {
  const logs = window.map(({ ms }) => Math.log10(ms + 1e-3))
  const middle = mean(logs)
  const deviation = Math.sqrt(mean(logs.map((log) => (log - middle) ** 2)))
  const told = [...countFeatures(window).entries()]
    .filter(([, { count }]) => count >= 0.05 * window.length && count <= 0.95 * window.length)
    .toSorted(([, a], [, b]) => b.count - a.count)
    .slice(0, DIMENSIONS_MAX)
    .map(([, feature]) => feature)
  return new Map(
    window.map((execution, index) => [
      execution,
      [
        // Times that hardly differ are all alike.
        deviation < 0.05 ? 0 : (logs[index]! - middle) / deviation,
        execution.status === "success" ? 0 : 2,
        ...told.map(({ feature, value }) => (execution.features[feature] === value ? 1 : 0))
      ]
    ])
  )
}

const bestLabels = (points: ReadonlyMap<Execution, Array<number>>, random: () => number) => {
  const all = [...points.values()]
  const distinct = new Set(all.map((point) => point.join())).size
  let best: { readonly score: number; readonly labels: ReadonlyArray<number> } | undefined
  for (let count = 2; count <= Math.min(CLUSTERS_MAX, distinct); count++) {
    for (let start = 0; start < STARTS; start++) {
      const labels = labelled(all, count, random)
      if (labels === undefined) continue
      const score = mean(silhouette(all, labels))
      // Another kind must be worth it.
      if (score >= SILHOUETTE_MIN && score > (best?.score ?? 0) + 0.02) best = { score, labels }
    }
  }
  if (best === undefined) return undefined
  const { labels } = best
  return new Map([...points.keys()].map((execution, index) => [execution, labels[index]!]))
}

/** Undefined where a kind is left without members, which the library throws. */
const labelled = (points: Array<Array<number>>, count: number, random: () => number): Array<number> | undefined => {
  try {
    const { labels } = kMeansCluster(points, count, random)
    return new Set(labels).size === count ? labels : undefined
  } catch {
    return undefined
  }
}

const describe = (group: ReadonlyArray<Execution>, all: ReadonlyArray<Execution>): typeof ToolCluster.Type => {
  const overall = countFeatures(all)
  const typical = [...countFeatures(group).entries()]
    .map(([name, { count }]) => ({ name, here: count / group.length, there: overall.get(name)!.count / all.length }))
    .filter(({ here, there }) => here >= 0.6 && here - there >= 0.15)
    .toSorted((a, b) => b.here - b.there - (a.here - a.there))
  return {
    count: group.length,
    share: group.length / all.length,
    success_rate: group.filter(({ status }) => status === "success").length / group.length,
    median_ms: percentile(
      group.map(({ ms }) => ms).toSorted((a, b) => a - b),
      0.5
    ),
    typical: typical.slice(0, TYPICAL_MAX).map(({ name }) => name)
  }
}
