"""Words of the chapters about slices and doubtful labels."""

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    "finding.weak_slice.errors": (
        "On the {rows:,} rows ({share:.1%}) with {slice} the model decides wrongly {points:.1f} percentage points more "
        "often than on rows with the same predictions (accuracy {inside:.3f} there, {outside:.3f} on others); look at "
        "their labels, or train with more of them",
        "在满足 {slice_zh} 的 {rows:,} 行（{share:.1%}）上，模型的错误率比预测相同的其他行高 {points:.1f} 个百分点"
        "（此处准确率 {inside:.3f}，其余 {outside:.3f}）；请检查这些行的标签，或增加此类训练数据",
    ),
    "finding.weak_slice.log_loss": (
        "On the {rows:,} rows ({share:.1%}) with {slice} the model's probabilities are further off than on rows with "
        "the same predictions: log loss is {excess:.3f} higher (accuracy {inside:.3f} there, {outside:.3f} on others); "
        "look at their labels, or train with more of them",
        "在满足 {slice_zh} 的 {rows:,} 行（{share:.1%}）上，模型给出的概率比预测相同的其他行偏差更大：对数损失高 "
        "{excess:.3f}（此处准确率 {inside:.3f}，其余 {outside:.3f}）；请检查这些行的标签，或增加此类训练数据",
    ),
    "finding.weak_slice.distance": (
        "On the {rows:,} rows ({share:.1%}) with {slice} the model's errors are {more:.0%} larger than on rows with "
        "the same predictions (RMSE {inside:.4g}, where about {usual:.4g} would be usual); look at their targets, or "
        "train with more of them",
        "在满足 {slice_zh} 的 {rows:,} 行（{share:.1%}）上，模型的误差比预测相同的其他行大 {more:.0%}"
        "（此处 RMSE {inside:.4g}，通常约为 {usual:.4g}）；请检查这些行的目标值，或增加此类训练数据",
    ),
    "finding.label_noise.classes": (
        "About {count:,} of the {rows:,} test rows ({share:.1%}) seem to have a wrong label: the model is wrong about "
        "them however sure it is, which a model that is only too sure is not; look at the listed rows and correct "
        "their labels",
        "{rows:,} 行测试数据中约有 {count:,} 行（{share:.1%}）的标签疑似有误：无论模型多么确信，错误率都不再下降，"
        "而单纯过于自信的模型不会如此；请检查所列的行并更正标签",
    ),
    "finding.label_noise.values": (
        "{count:,} of the {rows:,} test rows ({share:.1%}) have a target more than {far:.0f} robust standard "
        "deviations from the prediction, where heavy tails explain {explained:.1%}; look at the listed rows and "
        "correct their targets",
        "{rows:,} 行测试数据中有 {count:,} 行（{share:.1%}）的目标值偏离预测超过 {far:.0f} 个稳健标准差，而厚尾分布只能"
        "解释 {explained:.1%}；请检查所列的行并更正目标值",
    ),
    "finding.label_noise.conflicts": (
        "{count:,} training rows ({share:.1%}) have exactly the inputs of others and another answer: {conflicting:,} "
        "of {groups:,} sets of identical rows disagree, where the model's own doubt explains {expected:.1f}; find out "
        "which answers are right, or add the column that tells them apart",
        "{count:,} 行训练数据（{share:.1%}）与其他行的输入完全相同，答案却不同：{groups:,} 组相同的行中有 "
        "{conflicting:,} 组互相矛盾，而模型自身的不确定性只能解释 {expected:.1f} 组；请查明哪个答案正确，"
        "或补充能区分它们的列",
    ),
    "note.slices.no_column": (
        "There is no column {column} to show slices of.",
        "没有可用于切片的列 {column}。",
    ),
    "note.slices.broken": (
        "In {count:,} of {rows:,} test rows {columns} holds values that training does not have, in another unit or "
        "codes for missing ones, as its own finding says; weak slices are searched for among the others.",
        "{rows:,} 行测试数据中有 {count:,} 行的 {columns} 含训练数据中没有的值：单位不同，或为缺失值代码"
        "（见相应的问题）；薄弱切片只在其余的行中查找。",
    ),
    "note.slices.many_broken": (
        "In {count:,} of {rows:,} test rows {columns} holds values that training does not have, in another unit or "
        "codes for missing ones, as its own finding says; weak slices are searched for among the other {left:,} only, "
        "so that none being found would say little.",
        "{rows:,} 行测试数据中有 {count:,} 行的 {columns} 含训练数据中没有的值：单位不同，或为缺失值代码"
        "（见相应的问题）；薄弱切片只在其余 {left:,} 行中查找，即使没有发现也说明不了什么。",
    ),
    "note.slices.all_broken": (
        "In {count:,} of {rows:,} test rows {columns} holds values that training does not have, in another unit or "
        "codes for missing ones, as its own finding says; weak slices are not searched for among the other {left:,}.",
        "{rows:,} 行测试数据中有 {count:,} 行的 {columns} 含训练数据中没有的值：单位不同，或为缺失值代码"
        "（见相应的问题）；未在其余 {left:,} 行中查找薄弱切片。",
    ),
    "note.slices.few_rows": (
        "Weak slices are not searched for with {count} test rows; {least} are needed.",
        "测试数据只有 {count} 行，未搜索薄弱切片；至少需要 {least} 行。",
    ),
    "note.slices.columns": (
        "Weak slices are made of the {read} columns that errors differ most by, of {count}.",
        "薄弱切片只用了 {count} 列中与误差关系最大的 {read} 列。",
    ),
    "note.slices.few_groups": (
        "Weak slices are not searched for with test rows of so few groups; {least} of equal size are needed.",
        "测试数据的组数过少，未搜索薄弱切片；至少需要 {least} 个大小相当的组。",
    ),
    "note.label_noise.few_groups": (
        "Labels are not doubted with test rows of so few groups; {least} of equal size are needed.",
        "测试数据的组数过少，未检查标签噪声；至少需要 {least} 个大小相当的组。",
    ),
    "note.label_noise.few_rows": (
        "Labels are not doubted with {count} test rows; {least} are needed.",
        "测试数据只有 {count} 行，未检查标签噪声；至少需要 {least} 行。",
    ),
    "note.label_noise.no_spread": (
        "Labels are not doubted: errors have no spread, outcomes are of one kind only, or the model states few "
        "different probabilities.",
        "未检查标签噪声：误差没有离散程度、结果只有一种，或模型只给出很少几种概率。",
    ),
    "metric.slices.weak": ("Weak slices", "薄弱切片数"),
    "metric.slices.worst_accuracy": ("Accuracy of the worst slice", "最差切片的准确率"),
    "metric.slices.worst_auc": ("ROC-AUC of the worst slice", "最差切片的 ROC-AUC"),
    "metric.slices.worst_rmse": ("RMSE of the worst slice", "最差切片的 RMSE"),
    "metric.slices.worst_mae": ("MAE of the worst slice", "最差切片的 MAE"),
    "slices": ("Slices", "数据切片"),
    "slices.about": (
        "Descriptions of rows, found by a search over {searched} rows and {columns} columns and measured on "
        "{confirmed} other rows. Weak: worse than rows with the same predictions. Hard: worse than the rest, as the "
        "model itself says. Declared: always shown, on all rows. Above usual: by how much the log loss, the share of "
        "wrong decisions or the size of errors exceeds that of rows with the same predictions.",
        "切片由对 {searched} 行、{columns} 列的搜索得出，并在另外 {confirmed} 行上测量。薄弱：比预测相同的行更差；"
        "困难：比其余行更差，但模型自己也这样认为；声明：按配置始终显示，在全部行上测量。"
        "超出常态：对数损失、错误率或误差大小比预测相同的行高出多少。",
    ),
    "slices.about.declared": (
        "There were too few rows to search for weak slices; these are the declared ones.",
        "行数太少，未搜索薄弱切片；以下为声明的切片。",
    ),
    "slices.none": (
        "No slice was found on which the model is clearly worse than on rows with the same predictions.",
        "未发现模型明显差于预测相同的其他行的切片。",
    ),
    "slices.kind.weak": ("weak", "薄弱"),
    "slices.kind.hard": ("hard", "困难"),
    "slices.kind.declared": ("declared", "声明"),
    "slices.kind": ("Kind", "类型"),
    "slices.slice": ("Rows with", "条件"),
    "slices.share": ("Share", "占比"),
    "slices.inside": ("{metric} inside", "切片内{metric}"),
    "slices.outside": ("Elsewhere", "其余"),
    "slices.excess": ("Above usual", "超出常态"),
    "slices.plot": ("{metric} by slice", "各切片的{metric}"),
    "slices.plot.about": ("The dashed line is the value of all rows.", "虚线为全部行的数值。"),
    "slices.alt": (
        "{count} slices with their {metric} and 95 % intervals; all rows have {overall}, the worst slice {worst}.",
        "{count} 个切片的{metric}及 95% 区间；全部行为 {overall}，最差切片为 {worst}。",
    ),
    "slices.more": ("{count} further declared slices are in the evidence.", "另有 {count} 个声明的切片见评估数据。"),
    "label_noise": ("Doubtful labels", "可疑标签"),
    "label_noise.about.classes": (
        "Test rows whose label the model contradicts most surely, by confident learning. Being listed is no proof: "
        "some of the surest answers are wrong. Labels doubted: {counted} of {rows}. If every label were right, the "
        "doubt that the model itself states would still make it about {explained}; only more than that speaks of wrong "
        "labels.",
        "按置信学习列出模型最确信与标签不符的测试行。列出并不代表有错：最确信的回答也可能出错。"
        "{rows} 行中有 {counted} 行的标签存疑。即使所有标签都正确，按模型自己给出的不确定性也会有约 {explained} 行"
        "存疑；只有明显多于此数才说明标签有误。",
    ),
    "label_noise.about.values": (
        "Test rows whose target is furthest from the prediction, in robust standard deviations at that prediction. "
        "Rows further than six: {counted} of {rows}; heavy tails alone would make it about {explained}.",
        "目标值离预测最远的测试行，以该预测处的稳健标准差为单位。"
        "{rows} 行中有 {counted} 行超过 6；仅厚尾分布就会有约 {explained} 行。",
    ),
    "label_noise.given": ("Given", "已有标签"),
    "label_noise.model": ("The model says", "模型回答"),
    "label_noise.given_p": ("Its probability", "其概率"),
    "label_noise.model_p": ("Its probability of that", "模型给出的概率"),
    "label_noise.distance": ("Robust deviations", "稳健标准差数"),
    "label_noise.conflicts": (
        "Sets of training rows with identical inputs: {sets}; sets in which the answers differ: {conflicting}. By the "
        "doubt that the model itself states, about {expected} would.",
        "输入完全相同的训练行共 {sets} 组，其中答案不一致的有 {conflicting} 组；按模型自己给出的不确定性，预计约有 "
        "{expected} 组。",
    ),
}
