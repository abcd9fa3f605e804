"""Jobs: runs of several circuits, beside the caller, within the memory that there is.

Read `run` first (what a job does), then `queue` (when it may), `budget` (what it may take),
`distribute` (circuits on other machines), `options` and `progress_bar`.

Nothing here imports Qiskit, `basicaer._qiskit` or the public modules: what comes out are Outcomes.
"""
