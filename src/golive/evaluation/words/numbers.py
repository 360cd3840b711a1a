"""Words of the numbers: measures, notes and findings about them, in English and Chinese."""

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    "metric.mcc": ("Matthews correlation", "马修斯相关系数 MCC"),
    "metric.specificity": ("Specificity", "特异度"),
    "metric.smape": ("Symmetric MAPE (share)", "对称平均绝对百分比误差 sMAPE（比例）"),
    "metric.bias": ("Mean error (prediction minus truth)", "平均误差（预测值减真值）"),
    "metric.max_error": ("Largest error", "最大误差"),
    "metric.spearman": ("Rank correlation (Spearman)", "斯皮尔曼秩相关"),
    "metric.quantile.coverage": ("True values at or below the predicted quantile", "不超过预测分位数的真值比例"),
    "metric.pinball": ("Pinball loss", "分位数损失（pinball）"),
    "metric.cost": ("Cost per row", "每行成本"),
    "metric.cost.best_threshold": ("Cheapest threshold", "成本最低的阈值"),
    "metric.calibration.intercept": ("Calibration intercept", "校准截距"),
    "metric.calibration.slope": ("Calibration slope", "校准斜率"),
    "metric.precision_at_budget": ("Precision within the budget", "预算内的精确率"),
    "metric.recall_at_budget": ("Recall within the budget", "预算内的召回率"),
    "metric.alert_rate": ("Share of rows alerted about", "告警行的比例"),
    "metric.ndcg": ("NDCG", "归一化折损累计增益 NDCG"),
    "metric.map": ("Mean average precision", "平均精度均值 MAP"),
    "metric.mrr": ("Mean reciprocal rank", "平均倒数排名 MRR"),
    "metric.pair_accuracy": ("Pairs in the right order", "次序正确的配对比例"),
    "metric.improper_probabilities": ("Rows whose numbers are no probabilities", "数值不构成概率的行"),
    "note.halved_by": (
        "{rows} test rows, four times as many, would halve the intervals.",
        "若有四倍的测试行，即 {rows} 行，区间宽度将减半。",
    ),
    "note.no_known_label": (
        "Not one label is a class of the model; they may be written otherwise, such as 1 for '1' or 'yes'.",
        "没有任何标签是模型的类别；标签的写法可能不同，例如用 1 表示 '1' 或 'yes'。",
    ),
    "note.few_of_class": (
        "Only {count} test rows are of class {label}: what rests on them has wide intervals, which {more} of them "
        "would halve.",
        "类别 {label} 只有 {count} 个测试行：依赖这些行的指标区间较宽；若有 {more} 行，区间宽度将减半。",
    ),
    "note.thin_classes": (
        "These classes have fewer than {least} test rows, so their own numbers have wide intervals: {labels}.",
        "以下类别的测试行少于 {least} 行，其各自指标的区间较宽：{labels}。",
    ),
    "note.improper_probabilities.model": (
        "The model gave {count} rows whose numbers are no probabilities (below 0, above 1, or not adding up to 1), so "
        "its log loss, Brier score and calibration are not measured.",
        "模型有 {count} 行给出的数值不构成概率（小于 0、大于 1 或总和不为 1），"
        "因此不计算其对数损失、Brier 分数和校准。",
    ),
    "note.improper_probabilities.champion": (
        "The champion gave {count} rows whose numbers are no probabilities (below 0, above 1, or not adding up to 1), "
        "so its log loss, Brier score and calibration are not measured.",
        "现役模型有 {count} 行给出的数值不构成概率（小于 0、大于 1 或总和不为 1），"
        "因此不计算其对数损失、Brier 分数和校准。",
    ),
    "note.improper_probabilities.baseline": (
        "The baseline gave {count} rows whose numbers are no probabilities (below 0, above 1, or not adding up to 1), "
        "so its log loss, Brier score and calibration are not measured.",
        "基线有 {count} 行给出的数值不构成概率（小于 0、大于 1 或总和不为 1），"
        "因此不计算其对数损失、Brier 分数和校准。",
    ),
    "note.grouped": (
        "Intervals are over {groups} groups of rows, since the rows of one group are not independent.",
        "同一组的行彼此不独立，因此区间按 {groups} 组计算。",
    ),
    "note.groups_of_one": (
        "Every group has one row, so grouping changes nothing.",
        "每组只有一行，因此分组不改变任何结果。",
    ),
    "note.few_groups": (
        "{groups} groups are few: the intervals may be too narrow, and four times as many would halve them.",
        "只有 {groups} 组，数量偏少：区间可能过窄；若有四倍的组，区间宽度将减半。",
    ),
    "note.anomaly_two_classes": (
        "Anomalies are measured of a classification into two classes, of which the second is the rare one.",
        "异常检测的指标只适用于两个类别的分类，其中第二个类别为少见的一类。",
    ),
    "note.anomaly_none": (
        "No test row is an anomaly, so none can be found.",
        "测试行中没有异常，因此无从检出。",
    ),
    "note.ranking_no_group": (
        "A ranking is measured within groups, and no column of these rows holds them; declare evaluation.group.",
        "排序的指标在组内计算，而这些行没有表示组的列；请声明 evaluation.group。",
    ),
    "note.ranking_negative": (
        "A ranking's truth is how relevant a row is, 0 or more, and some are below 0; give relevances.",
        "排序的真值是每行的相关度，应不小于 0，但有些小于 0；请提供相关度。",
    ),
    "note.ranking_single": (
        "{count} groups have one row, which nothing can order.",
        "{count} 组只有一行，无法排序。",
    ),
    "finding.calibration.stated": (
        "Stated probabilities are off by {error} (root mean square beyond chance): {stated} is stated on average and "
        "{observed} comes true; among {rows} rows with about {worst_stated} it is {worst_observed}. Recalibrate the "
        "model on validation rows before its probabilities are used.",
        "给出的概率偏差为 {error}（扣除随机因素后的均方根）：平均给出 {stated}，实际为 {observed}；"
        "其中约为 {worst_stated} 的 {rows} 行，实际为 {worst_observed}。使用这些概率之前，请用验证集重新校准模型。",
    ),
    "finding.calibration.several": (
        "Probabilities of the class decided for are off by {error} (root mean square beyond chance): {stated} is "
        "stated on average and {observed} comes true; among {rows} rows with about {worst_stated} it is "
        "{worst_observed}. Recalibrate the model on validation rows before its probabilities are used.",
        "所判定类别的概率偏差为 {error}（扣除随机因素后的均方根）：平均给出 {stated}，实际为 {observed}；"
        "其中约为 {worst_stated} 的 {rows} 行，实际为 {worst_observed}。使用这些概率之前，请用验证集重新校准模型。",
    ),
}
