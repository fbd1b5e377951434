"""The learning curves, and what stands in their place."""

from pellucid import files
from pellucid.draw.training import draw
from tests.support import svg


def words(tmp_path, *rows):
    header = "epoch,loss,accuracy,val_loss,val_accuracy"
    (tmp_path / "history.csv").write_text("\n".join([header, *rows]) + "\n")
    files.write_json(tmp_path / "training.json", {"best_epoch": len(rows)})
    pictures = [tmp_path / "a.svg", tmp_path / "a.png"]
    draw(history=tmp_path / "history.csv", training_info=tmp_path / "training.json", title="A title", pictures=pictures)
    assert pictures[1].stat().st_size
    return svg.words(pictures[0])


def test_the_kept_epoch_is_named(tmp_path):
    found = words(tmp_path, "1,2.0,0.2,1.5,0.3", "2,1.0,0.6,0.8,0.7")
    assert "kept: epoch 2" in found
    assert {"train", "validation", "accuracy"} <= set(found)


def test_without_epochs_it_says_so_and_draws_no_axes(tmp_path):
    found = words(tmp_path)
    assert "No epochs: the model is used as it is." in found
    assert not {"epoch", "accuracy"} & set(found)


def test_a_learning_rate_that_changes_is_drawn_and_an_early_end_is_told(tmp_path):
    header = "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate"
    training_info = {"best_epoch": 1, "loss": "focal", "ended_by": "early_stopping"}
    files.write_json(tmp_path / "training.json", training_info)
    found = {}
    for name, rate in (("varies", 0.001), ("stays", 0.002)):
        rows = [header, "1,2.0,0.2,1.5,0.3,0.002", f"2,1.0,0.6,0.8,0.7,{rate}"]
        (tmp_path / "history.csv").write_text("\n".join(rows) + "\n")
        picture = tmp_path / f"{name}.svg"
        draw(
            history=tmp_path / "history.csv",
            training_info=tmp_path / "training.json",
            title="A",
            pictures=[str(picture)],
        )
        found[name] = svg.words(picture)
    assert "learning rate" in found["varies"]
    assert "learning rate" not in found["stays"]
    assert "Training, stopped early after 2 epochs" in found["stays"]
    assert "focal loss (nats)" in found["stays"]
