// What columns are called in the files of many programs and languages. A layout is known by these names.

/** What a column can hold. */
export const FIELDS = {
  date: [
    "date",
    "datum",
    "day",
    "tag",
    "handelstag",
    "trade date",
    "trading day",
    "fecha",
    "data",
    "datetime",
    "date time",
    "date/time",
    "timestamp",
    "zeitstempel",
    "gmt time",
    "local time",
    "utc",
    "open time",
    "opentime",
    "begins at",
    "start time",
    "start",
    "unix",
    "unix timestamp",
    "epoch",
    "window start",
    "t"
  ],
  clock: ["time", "zeit", "uhrzeit", "hora", "czas"],
  open: [
    "open",
    "o",
    "open price",
    "opening price",
    "eröffnung",
    "eroeffnung",
    "eröffnungskurs",
    "erster",
    "anfang",
    "ouverture",
    "ouv",
    "apertura",
    "otwarcie",
    "1. open"
  ],
  high: [
    "high",
    "h",
    "high price",
    "hoch",
    "höchst",
    "hoechst",
    "höchster",
    "höchstkurs",
    "hoechstkurs",
    "tageshoch",
    "haut",
    "plus haut",
    "alto",
    "máximo",
    "maximo",
    "massimo",
    "max",
    "najwyzszy",
    "2. high"
  ],
  low: [
    "low",
    "l",
    "low price",
    "tief",
    "tiefst",
    "tiefster",
    "tiefstkurs",
    "tagestief",
    "bas",
    "plus bas",
    "bajo",
    "mínimo",
    "minimo",
    "min",
    "najnizszy",
    "3. low"
  ],
  close: [
    "close",
    "c",
    "close/last",
    "close price",
    "closing price",
    "schluss",
    "schluß",
    "schlusskurs",
    "schlußkurs",
    "letzter",
    "clôture",
    "cloture",
    "clot",
    "cierre",
    "último",
    "ultimo",
    "chiusura",
    "zamkniecie",
    "last",
    "last price",
    "zuletzt",
    "kurs",
    "price",
    "4. close"
  ],
  volume: [
    "volume",
    "v",
    "vol",
    "stück",
    "stücke",
    "stueck",
    "stuecke",
    "volumen",
    "volumina",
    "umsatz",
    "real volume",
    "shares traded",
    "total trade quantity",
    "wolumen",
    "5. volume",
    "6. volume"
  ],
  ticks: ["tickvol", "tick volume", "tickvolume", "ticks"],
  adjusted: ["adj close", "adjclose", "adjusted close", "close adjusted", "adj closing price", "5. adjusted close"],
  splits: ["stock splits", "split", "splits", "split coefficient", "split ratio", "8. split coefficient"],
  symbol: ["symbol", "ticker", "instrument", "symbole", "tic", "isin", "wkn"]
} as const satisfies Readonly<Record<string, ReadonlyArray<string>>>

export type Field = keyof typeof FIELDS

const known = new Map<string, { readonly field: Field; readonly rank: number }>()
for (const [field, names] of Object.entries(FIELDS)) {
  for (const [rank, name] of names.entries()) {
    if (isField(field) && !known.has(name)) known.set(name, { field, rank })
  }
}

function isField(text: string): text is Field {
  return text in FIELDS
}

/** A name without what programs put round it: `<CLOSE>`, `Vol.`, `adj_close`, `Open (USD)`. */
export const plainName = (cell: string): string =>
  cell
    .toLowerCase()
    .replace(/\s*[([].*$/, "")
    .replaceAll(/[<>"']/g, "")
    .replaceAll(/[_\s]+/g, " ")
    .trim()
    .replace(/^(adj|vol|ouv|clot|höchst|tiefst)\./, "$1")

/**
 * What a column of this name holds, and how well the name says so: 0 is best. `Volume BTC` is a volume, as `volume` is; of several the
 * first of the best is taken.
 */
export const fieldOf = (cell: string): { readonly field: Field; readonly rank: number } | undefined => {
  const name = plainName(cell)
  return (
    known.get(name) ??
    (/^(volume|vol) [a-z0-9]{2,10}$/.test(name) && name !== "volume ma" ? { field: "volume", rank: 50 } : undefined)
  )
}
