"""One seed, many independent streams."""

from pellucid import seeds


def test_the_same_names_give_the_same_numbers():
    assert seeds.generator(1, "train", "order").random() == seeds.generator(1, "train", "order").random()
    assert seeds.integer(3, "a") == seeds.integer(3, "a")


def test_other_seeds_stages_and_parts_give_others():
    names = [(1, "train"), (2, "train"), (1, "split"), (1, "train", "order"), (1, "train/order", "0")]
    assert len({seeds.generator(*name).random() for name in names}) == len(names)


def test_integers_fit_what_libraries_take():
    assert all(0 <= seeds.integer(seed, "x") < 2**31 for seed in range(200))
