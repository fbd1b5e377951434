"""Scores of *state* by fold (seed 42) in the file results.csv of josephenguehard/time_interpret (experiments/hmm).

It is another run of the published experiment, and says how far trainings differ there.
"""

import numpy as np

# Of each method the rows of five folds: AUP, AUR, AUROC, AUPRC.
OTHER_RUN = {
    "LIME": np.array(
        [
            (0.9321, 0.4495, 0.9195, 0.8948),
            (0.8552, 0.4142, 0.8518, 0.7929),
            (0.9032, 0.4464, 0.8846, 0.8577),
            (0.9338, 0.4614, 0.9256, 0.9045),
            (0.9321, 0.4321, 0.9116, 0.8893),
        ]
    ),
    "integrated gradients": np.array(
        [
            (0.9211, 0.4614, 0.9232, 0.8986),
            (0.824, 0.4281, 0.8545, 0.783),
            (0.8897, 0.4501, 0.8803, 0.8544),
            (0.9241, 0.4681, 0.9315, 0.9096),
            (0.9167, 0.4481, 0.9121, 0.8884),
        ]
    ),
    "occlusion": np.array(
        [
            (0.8665, 0.4172, 0.8792, 0.8195),
            (0.7565, 0.3892, 0.8238, 0.7068),
            (0.836, 0.4084, 0.8468, 0.7777),
            (0.8886, 0.42, 0.896, 0.8486),
            (0.9005, 0.4076, 0.8874, 0.8512),
        ]
    ),
    "augmented occlusion": np.array(
        [
            (0.759, 0.4012, 0.9067, 0.8054),
            (0.6526, 0.3409, 0.8441, 0.6762),
            (0.7072, 0.3946, 0.8937, 0.774),
            (0.7619, 0.377, 0.9394, 0.8807),
            (0.7622, 0.3559, 0.9321, 0.8661),
        ]
    ),
    "gradient SHAP": np.array(
        [
            (0.8516, 0.4096, 0.8457, 0.7916),
            (0.674, 0.3866, 0.7973, 0.6495),
            (0.8022, 0.4166, 0.8227, 0.7486),
            (0.8705, 0.4104, 0.8723, 0.8195),
            (0.8468, 0.4042, 0.8429, 0.7842),
        ]
    ),
}

# Information and entropy in bits, means of the same folds.
OTHER_SUMS = {
    "LIME": (358.6, 133.1),
    "integrated gradients": (363.7, 137.9),
    "occlusion": (335.1, 135.3),
    "augmented occlusion": (351.0, 166.7),
    "gradient SHAP": (325.4, 136.1),
}
