"""What the report says whatever was measured."""

TITLE = "Latent-Insensitive Autoencoders, reproduced: every table, figure and claim"
LEAD = (
    "A reproduction of Battikh and Lenskiy, Latent-Insensitive Autoencoders for Anomaly Detection (Mathematics 2022, "
    "10(1), 112; doi 10.3390/math10010112) from real data. Ours stands beside what the paper prints, whether it "
    "agrees or not. AUCs are between 0 and 1; an average is the plain mean of the AUCs against each outlier class."
)
PROTOCOL = (
    "These numbers cannot be set beside other published AUCs of the same data sets. The usual one-vs-rest benchmark "
    "takes one class as normal and tests it against the nine others; another kind takes one class as the anomaly and "
    "learns from all the rest. Here one class (or a pair of digits) is normal, and each outlier class is tested on its "
    "own: on MNIST every other digit, on Fashion-MNIST every class but that of the negatives, and on SVHN and CIFAR-10 "
    "only the four others of its half of the classes. LIS-AE moreover sees unlabelled negatives, which most one-class "
    "detectors do not. Detectors built on contrastive or pre-trained features come to AUCs of .94 and more on "
    "one-vs-rest CIFAR-10: that is another problem with other means, and neither confirms nor refutes what is asked "
    "here, whether shaping the latent layer improves the same small autoencoder."
)
TABLES = (
    "For each column of the paper: the printed number, ours, and the difference (diff.), ours minus printed. "
    "± is the standard deviation over seeds. A dash is a cell that the paper does not have, or a model without a "
    "latent width to choose."
)
CLAIMS = (
    "What the paper says, in our words, each with the statistic that decides it. A claim is confirmed where the whole "
    "95 % interval lies on its side of the margin, not confirmed where it lies on the other, undecided where it spans "
    "the margin, and not measured where records are missing. Margins were taken from the paper's text "
    "before the ledger was first computed, and nothing is tuned to turn a verdict. A selection reads "
    "table / row / column."
)
THEORY = (
    "Section 4 of the paper explains the method by its linear case, which needs no images and no record: it is "
    "computed exactly, and checked by tests that run with all the others."
)
THEORY_CHECKS = (
    "4.1: decoder and complement are one orthonormal basis, and the linear autoencoder, the truncated SVD without a "
    "mean taken off, reconstructs the orthogonal part of any sample as zero (to 1e-12); its loss is the norm of that "
    "part.",
    "4.1: tilting the encoder moves it within the complement alone, and leaves the decoder as it was.",
    "4.1: the loss of normal samples that training did not see stays, within 2 % on average and 5 % for each; that "
    "of anomalies, none of which was seen either, is not below what it was for any, and more than threefold for half.",
    "4.2: on the three-dimensional Gaussian the decoder is (1, 0, 0) up to sign, and the tilted encoder (1, 0, g) "
    "with |g| growing with gamma. Negatives at a distance of 1 reach gamma where g² = gamma² - 1; the paper leaves "
    "out the 1.",
    "4.2: the squared loss is y² + (1 + g²) z²; the paper's y² + g² z² is that for a large g. The cylinder of "
    "samples that a linear autoencoder accepts is squashed into an ellipse, which the figure cross_section draws.",
)
ERRATA = (
    "Where the paper's tables contradict themselves. The printed value is kept everywhere above; differences are "
    "taken from it as it is printed. could be rounding: averaging the AUCs before rounding them could explain it."
)
SETTINGS = (
    "What the profile gives every model, the defaults of its constructor included. The latent width is the one chosen "
    "beforehand. autoencoder.* are the settings of the first phase, shared by every model that begins from it."
)
HARDWARE = "From the records behind the tables: a line for each device, precision and set of versions."
COMMANDS = "Each makes its table or figure, and trains what is missing for it and nothing else."
