"""Jobs: circuits run in the background, within the available memory.

Read `run` first (what a job does), then `queue` (when it starts), `budget` (the memory that jobs
share), `groups_run` (many small circuits), `distribute` (circuits on other machines), `options`
and `progress_bar`. `tracebacks` frees what the exception of a failed job refers to.

Nothing here imports Qiskit, `basicaer._qiskit` or the public modules: a job yields Outcomes, and
`_qiskit` makes Results of them.
"""
