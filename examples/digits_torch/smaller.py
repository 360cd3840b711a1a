"""Makes the network of train.py smaller and faster: pruned and fine-tuned, in 8 bits, distilled; the best one stays."""

import sys

from train import rows

import golive

HOW = ("precision", "int8", "pruning", "fine_tuning", "distillation")


def main(home: str | None = None) -> None:
    (x_train, _), (x_valid, y_valid), (x_test, y_test) = rows()
    bundle = golive.load("digits", home=home)
    smaller = golive.optimize(
        bundle, x_valid, y_valid, training=x_train, max_loss=0.005, prefer="size", budget_s=600, only=HOW
    )
    print(f"{'candidate':38} {'size':>8}  {'1 row':>6}  {'1,000':>6}  {'loss':>6}")
    for one in smaller.found.searched.tried:
        if one.comparison and one.loss:
            size, cost = one.comparison.candidate.size_bytes / 1e3, one.comparison
            told = f"{size:5.1f} kB  {cost.one_row:5.1f}x  {cost.thousand_rows:5.1f}x  {one.loss.share:6.2%}"
            print(f"{one.candidate.name:38} {told}  {one.outcome}")
        else:
            print(f"{one.candidate.name:38} {one.outcome}: {one.reason}")
    evidence = golive.evaluate(smaller, x_test, y_test)
    print(f"{smaller!r} has an accuracy of {evidence['accuracy']:.3f} on {evidence.evidence.rows} images it never saw")
    print(f"{smaller.found.plot} shows all of them")


if __name__ == "__main__":
    main(*sys.argv[1:])
