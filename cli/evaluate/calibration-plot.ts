import type { Bin, StrengthBin } from "../../evaluation/index.ts"
import { type Html, html } from "./html.ts"

const SIZE = 320
const MARGIN = 56
const INNER = SIZE - 2 * MARGIN

const x = (share: number): string => (MARGIN + share * INNER).toFixed(1)
const y = (share: number): string => (SIZE - MARGIN - share * INNER).toFixed(1)

/** How often decisions of some confidence were right; on the line they were as sure as they should be. Larger dots are of more. */
export const calibrationPlot = (bins: ReadonlyArray<Bin>, label: string): Html =>
  dotsPlot(
    bins.map((bin) => ({ ...bin, at: bin.mean_confidence })),
    { label, axis: "how sure" },
    html`<line x1="${x(0)}" y1="${y(0)}" x2="${x(1)}" y2="${y(1)}" stroke="var(--soft)" stroke-dasharray="4 4"/>
`
  )

/** How often decisions of some strength were acceptable. A strength is no forecast, so there is no line to be on. */
export const strengthPlot = (bins: ReadonlyArray<StrengthBin>, label: string): Html =>
  dotsPlot(
    bins.map((bin) => ({ ...bin, at: bin.mean_strength })),
    { label, axis: "how strong" },
    html``
  )

interface Dot {
  readonly at: number
  readonly count: number
  readonly accuracy: number
}

const dotsPlot = (
  bins: ReadonlyArray<Dot>,
  { label, axis }: { readonly label: string; readonly axis: string },
  line: Html
): Html => {
  const most = Math.max(1, ...bins.map(({ count }) => count))
  const dots = bins.map((bin) => {
    const { count, at, accuracy } = bin
    const radius = (3 + 7 * Math.sqrt(count / most)).toFixed(1)
    const says = `${count}: ${axis} ${(100 * at).toFixed(0)}%, right ${(100 * accuracy).toFixed(0)}%`
    return html`<circle cx="${x(at)}" cy="${y(accuracy)}" r="${radius}" fill="var(--accent)" fill-opacity="0.75"><title>${says}</title></circle>`
  })
  const ticks = [0, 0.5, 1].map(
    (share) => html`<text x="${x(share)}" y="${SIZE - MARGIN + 16}" text-anchor="middle">${100 * share}%</text>
<text x="${MARGIN - 6}" y="${Number(y(share)) + 4}" text-anchor="end">${100 * share}%</text>`
  )
  return html`<svg class="calibration" viewBox="0 0 ${SIZE} ${SIZE}" role="img" aria-label="${label}">
<rect x="${MARGIN}" y="${MARGIN}" width="${INNER}" height="${INNER}" fill="var(--card)" stroke="var(--line)"/>
${line}${dots}${ticks}
<text x="${SIZE / 2}" y="${SIZE - MARGIN + 36}" text-anchor="middle">${axis}</text>
<text x="14" y="${SIZE / 2}" text-anchor="middle" transform="rotate(-90 14 ${SIZE / 2})">how often right</text>
</svg>`
}
