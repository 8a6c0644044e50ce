#!/usr/bin/env bash
# The whole job on this machine, with no account: a simulated Genesys Cloud, Parquet in a folder, and a look at it.
set -euo pipefail
cd "$(dirname "$0")/.."
BIN=build/release OUT=build/demo
rm -rf "$OUT"; mkdir -p "$OUT"

"$BIN/queuelake-sim" --port 0 --queues 8 --log "$OUT/requests.jsonl" >"$OUT/sim.json" 2>"$OUT/sim.err" &
SIM=$!
trap 'kill $SIM 2>/dev/null || true; wait $SIM 2>/dev/null || true' EXIT
for _ in $(seq 100); do [ -s "$OUT/sim.json" ] && break; kill -0 $SIM 2>/dev/null || { cat "$OUT/sim.err"; exit 1; }; sleep 0.05; done
field() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$OUT/sim.json"; }

export GENESYS_CLIENT_ID GENESYS_CLIENT_SECRET
GENESYS_CLIENT_ID=$(field client_id) GENESYS_CLIENT_SECRET=$(field client_secret)
URLS=(--login-url "$(field login_url)" --api-url "$(field api_url)")

echo "A simulated Genesys Cloud listens at $(field api_url) (--login-url and --api-url lead there). A day of it becomes Parquet:"
for layout in wide long; do
  echo
  flags=(--from 2024-01-01 --to 2024-01-02 --layout "$layout")
  [ "$layout" = wide ] || flags+=(--raw-sums) # so that the averages below are exact
  echo "\$ queuelake run ${flags[*]} -o $OUT/queue_metrics_$layout.parquet"
  "$BIN/queuelake" run "${flags[@]}" "${URLS[@]}" -o "$OUT/queue_metrics_$layout.parquet"
done

echo
echo "The busiest hours, read by DuckDB:"
build/venv/bin/python - "$PWD/$OUT/queue_metrics_long.parquet" <<'PY'
import sys
import duckdb
duckdb.execute("set timezone = 'UTC'")
print(duckdb.sql(f"""
  select strftime(interval_start, '%H:00') as hour, count(distinct queue_name) as queues, sum(calls_offered)::bigint as offered,
         round(sum(calls_answered) / sum(calls_offered), 4) as answer_rate,
         round(sum(handle_sum_ms) / sum(handle_count) / 1000, 1) as avg_handle_s
  from '{sys.argv[1]}' group by 1 order by offered desc limit 8"""))
PY
for layout in wide long; do
  file=$PWD/$OUT/queue_metrics_$layout.parquet
  shape=$(build/venv/bin/python -c "import pyarrow.parquet as p,sys; m=p.read_metadata(sys.argv[1]); print(m.num_rows,'rows x',m.num_columns,'columns')" "$file")
  printf '%s: %s (%s, %s bytes)\n' "$layout" "$file" "$shape" "$(stat -c %s "$file")"
done
echo
echo "Look at it yourself:"
echo "  build/venv/bin/python -c \"import duckdb; print(duckdb.sql(\\\"select interval_start, queue_name, calls_offered, answer_rate from '$OUT/queue_metrics_long.parquet' limit 10\\\"))\""
