"""Wide tables with rare dummies: what the verdict says of each coefficient and of predictions, and what that costs.

    python benchmarks/wide_tables.py                       three tables made here
    python benchmarks/wide_tables.py --data ../shared/data a9a, flights and German credit, too, where they are
    python benchmarks/wide_tables.py --nuts                with NumPyro's NUTS as the truth, minutes a table

Each line: CPU seconds of the fit and of its verdict, both answers, how many coefficients can be quoted, and with --nuts
how far the coefficients that can be quoted are off, in sds of NUTS.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import polars as pl

import taut
from taut.models import LogisticRegression

ROWS = 4000


def dummies(seed: int, *levels: int) -> tuple[np.ndarray, np.ndarray]:
    """A table of dummies with frequencies that fall as 1 / rank, two numbers, and a 0/1 target of 15 % ones."""
    random = np.random.default_rng(seed)
    columns = [random.normal(size=(ROWS, 2))]
    for count in levels:
        weights = 1 / np.arange(1, count + 1)
        code = random.choice(count, size=ROWS, p=weights / weights.sum())
        columns.append(np.eye(count)[code][:, 1:])
    X = np.hstack(columns)
    X = X[:, X.std(0) > 0]
    eta = X @ random.normal(scale=0.7, size=X.shape[1])
    eta -= np.quantile(eta, 0.85)
    return X, (random.random(ROWS) < 1 / (1 + np.exp(-eta))).astype(int)


def a9a(data: Path) -> tuple[np.ndarray, np.ndarray]:
    """Census income: 123 dummies."""
    table = pl.read_csv(data / "classification" / "a9a_train.csv.gz")
    return table.drop("y").to_numpy().astype(float), table["y"].to_numpy()


def flights(data: Path) -> tuple[np.ndarray, np.ndarray]:
    """Late flights, by month, weekday, carrier, origin and destination."""
    table = pl.read_csv(data / "tall" / "nyc_flights_2013.csv.gz")
    codes = table.select("month", "weekday", "carrier", "origin", "dest").to_dummies(drop_first=True)
    numbers = table.select("sched_dep_min", "distance")
    return np.hstack([numbers.to_numpy().astype(float), codes.to_numpy().astype(float)]), table["late15"].to_numpy()


def german(data: Path) -> tuple[np.ndarray, np.ndarray]:
    """German credit with its codes as dummies."""
    table = pl.read_csv(data / "classification" / "german_credit.csv")
    texts = [name for name, kind in table.schema.items() if kind == pl.String]
    return table.drop("bad").to_dummies(texts, drop_first=True).to_numpy().astype(float), table["bad"].to_numpy()


MADE = {
    "dummies-60": lambda: dummies(1, 30, 30),
    "dummies-120": lambda: dummies(2, 60, 40, 20),
    "dummies-250": lambda: dummies(3, 150, 100),
}
FOUND = {"german-credit": german, "flights": flights, "a9a": a9a}


def by_nuts(model: LogisticRegression, fit: taut.Fit) -> tuple[np.ndarray, np.ndarray]:
    """Means and sds of the coefficients, on the scale of the columns, by NumPyro."""
    import jax
    import jax.numpy as jnp
    import numpyro
    from numpyro.infer import MCMC, NUTS

    X, y = (np.asarray(part) for part in fit.parent.rows)
    size = int(fit.parent.size)

    def logistic(X, y):
        w = numpyro.sample("w", numpyro.distributions.Normal(0, 1).expand([X.shape[1]]).to_event(1))
        numpyro.sample("y", numpyro.distributions.Bernoulli(logits=X @ w), obs=y)

    with jax.enable_x64(True):
        found = MCMC(NUTS(logistic), num_warmup=500, num_samples=2000, num_chains=2, progress_bar=False)
        found.run(jax.random.key(0), jnp.asarray(X[:size], float), jnp.asarray(y[:size], float))
        w = np.asarray(found.get_samples()["w"])
    values = fit.columns(w)[1]
    return values.mean(0), values.std(0)


def judge(name: str, X: np.ndarray, y: np.ndarray, nuts: bool) -> None:
    """One table, in one line."""
    model = LogisticRegression()
    taut.fit(model, (X, y), fallbacks=False)  # what is compiled once
    start = time.process_time()
    fit = taut.fit(model, (X, y))
    fitted = time.process_time()
    table, verdict = fit.summary(), fit.verdict
    judged = time.process_time()
    usable = np.isin(table["trust"].to_numpy(), ["good", "corrected"])
    line = (
        f"{name:14} {X.shape[0]:7,} x {X.shape[1]:<4} fit {fitted - start:6.1f} s  verdict {judged - fitted:6.1f} s  "
        f"trust {verdict.trust.answer:9} predictions {fit.predictions.answer:9} usable {usable.sum()} of {len(usable)}"
    )
    if nuts:
        mean, sd = by_nuts(model, fit)
        shift, ratio = np.abs(table["mean"].to_numpy() - mean) / sd, table["sd"].to_numpy() / sd
        line += f"  off by {shift[usable].max():.2f} sd, sds {ratio[usable].min():.2f} to {ratio[usable].max():.2f}"
    print(line, flush=True)


def main() -> None:
    """Every table that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", help="names; all by default")
    parser.add_argument("--data", type=Path, help="folder with classification/ and tall/")
    parser.add_argument("--nuts", action="store_true", help="compare with NumPyro's NUTS")
    asked = parser.parse_args()
    makers = MADE | ({name: lambda make=make: make(asked.data) for name, make in FOUND.items()} if asked.data else {})
    for name in asked.tables or makers:
        judge(name, *makers[name](), asked.nuts)


if __name__ == "__main__":
    main()
