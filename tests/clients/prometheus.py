# SPDX-License-Identifier: ISC
#
# prometheus.py: reads /metrics on stdin as Prometheus would (the parser is its
# own), and prints NAME{LABEL="VALUE"} NUMBER, sorted.  Fails where the text
# format 0.0.4 is broken: a figure whose lines do not stand together, a series
# that comes twice, a value that is no number.
import json
import sys
from prometheus_client.parser import text_string_to_metric_families

families, series = set(), {}
for family in text_string_to_metric_families(sys.stdin.read()):
    # its names are without the _total of counters
    if (family.name, family.type) in families:
        sys.exit(f'{family.name}: its lines do not stand together')
    families.add((family.name, family.type))
    for sample in family.samples:
        labels = ','.join(f'{k}={json.dumps(v)}'
                          for k, v in sample.labels.items())
        name = f'{sample.name}{{{labels}}}' if labels else sample.name
        if name in series:
            sys.exit(f'{name}: comes twice')
        series[name] = sample.value
for name in sorted(series):
    print(name, f'{series[name]:.15g}')
