"""Words of the chapter on fairness, its findings and notes."""

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    "fairness": ("Fairness", "公平性"),
    "fairness.about.classification": (
        "How the model treats groups of people. The favorable answer is “{favorable}”. Intervals of gaps hold for all "
        "pairs of groups at once; groups with fewer than 30 rows (for TPR and FPR: or fewer than 10 rows of that true "
        "class) are shown and not compared.",
        "模型如何对待不同人群。有利结果为“{favorable}”。差距的区间对所有两两组合同时成立；"
        "少于 30 行的组（对 TPR 和 FPR 而言，还包括该真实类别少于 10 行的组）仅展示，不参与比较。",
    ),
    "fairness.about.regression": (
        "How far off predictions of “{target}” are for groups of people; an error is the predicted minus the true "
        "value. Intervals of gaps hold for all pairs of groups at once; groups with fewer than 30 rows are shown and "
        "not compared.",
        "对“{target}”的预测在不同人群上的偏差；误差为预测值减去真实值。差距的区间对所有两两组合同时成立；"
        "少于 30 行的组仅展示，不参与比较。",
    ),
    "fairness.assumed": (
        "Which answer people wish for is not declared, so “{favorable}” is assumed; if it is another one, as with a "
        "refusal, set evaluation.favorable in golive.yaml and evaluate again: every gap below turns round.",
        "未声明人们希望得到哪个结果，因此假定为“{favorable}”；若应为其他类别（例如该类别意味着拒绝），请在 "
        "golive.yaml 中设置 evaluation.favorable 并重新评估：以下差距的方向会随之改变。",
    ),
    "fairness.of_class": (
        "There are more than two classes: the favorable one is compared with all others; accuracy counts each row "
        "whose class is right.",
        "类别多于两个：有利类别与其余所有类别相比较；准确率统计类别判断正确的行。",
    ),
    "fairness.by": ("By {label}", "按 {label}"),
    "fairness.pairs": ("By two columns at once", "按两列交叉"),
    "fairness.group": ("Group", "组"),
    "fairness.pair": ("Columns", "列"),
    "fairness.few": ("{name} (few rows, not compared)", "{name}（行数少，不参与比较）"),
    "fairness.apart": ("{name} (not compared)", "{name}（不参与比较）"),
    "fairness.muted": (
        "Gray: few rows, or not a group of people; not compared.",
        "灰色：行数少，或不是人群分组；不参与比较。",
    ),
    "fairness.cross": (" × ", "、"),
    "fairness.gap": ("Gap", "差距"),
    "fairness.between": ("Between", "比较双方"),
    "fairness.against": ("{least} against {most}", "{least} 对 {most}"),
    "fairness.reading": ("Reading", "解读"),
    "fairness.four_fifths.below": ("below four fifths", "低于五分之四"),
    "fairness.four_fifths.unclear": ("four fifths lies within the interval", "五分之四落在区间之内"),
    "fairness.four_fifths.above": ("above four fifths", "高于五分之四"),
    "fairness.line": (
        "The dashed line stands at four fifths of the greatest rate.",
        "虚线位于最高选中率的五分之四处。",
    ),
    "fairness.clear": ("clear of chance", "并非偶然"),
    "fairness.unclear": ("may be chance", "可能出于偶然"),
    "fairness.nothing": ("There are not two groups with enough rows to compare.", "没有两个行数足够的组可供比较。"),
    "rate.base_rate": ("True share", "真实占比"),
    "rate.selection_rate": ("Selection rate", "选中率"),
    "rate.tpr": ("TPR", "TPR"),
    "rate.fpr": ("FPR", "FPR"),
    "rate.precision": ("Precision", "精确率"),
    "rate.accuracy": ("Accuracy", "准确率"),
    "rate.calibration": ("Stated minus observed", "声明概率减实际占比"),
    "rate.ece": ("Calibration error", "校准误差"),
    "rate.mean_error": ("Mean error", "平均误差"),
    "rate.rmse": ("RMSE", "RMSE"),
    "rate.mean_prediction": ("Mean prediction", "平均预测值"),
    "rate.mean_truth": ("Mean true value", "平均真实值"),
    "gap.selection_ratio": ("Ratio of selection rates (demographic parity)", "选中率之比（人口统计均等）"),
    "gap.selection_difference": ("Difference of selection rates", "选中率之差"),
    "gap.tpr_difference": ("Difference of TPR (equal opportunity)", "TPR 之差（机会均等）"),
    "gap.fpr_difference": ("Difference of FPR", "FPR 之差"),
    "gap.tpr_ratio": ("Ratio of TPR", "TPR 之比"),
    "gap.fpr_ratio": ("Ratio of FPR", "FPR 之比"),
    "gap.equalized_odds_difference": (
        "Greater difference of TPR and FPR (equalized odds)",
        "TPR 与 FPR 之差的较大者（均等几率）",
    ),
    "gap.accuracy_difference": ("Difference of accuracy", "准确率之差"),
    "gap.calibration_difference": ("Difference of stated minus observed", "“声明减实际”之差"),
    "gap.error_difference": ("Difference of mean errors", "平均误差之差"),
    "gap.rmse_ratio": ("Ratio of RMSE", "RMSE 之比"),
    "plot.fairness": ("{rate} by {label}", "{rate}（按 {label}）"),
    "alt.fairness": (
        "{rate} by {label} with 95 % intervals: lowest {least} with {low}, highest {most} with {high}.",
        "按 {label} 划分的{rate}及其 95% 区间：最低为 {least}（{low}），最高为 {most}（{high}）。",
    ),
    "alt.fairness.none": ("{rate} by {label}: no group has a value.", "按 {label} 划分的{rate}：没有可用的值。"),
    "fairness.read": (
        "The model reads {label} itself, so it may decide by it; for some decisions and groups that is unlawful.",
        "模型直接读取 {label}，可能据此作出决定；对某些决定和人群而言，这是违法的。",
    ),
    "fairness.proxies": ("Inputs that tell the group of {label}", "可推断 {label} 分组的输入列"),
    "fairness.proxies.about": (
        "A strength of 1 gives the group away, 0 says nothing of it (Cramér's V). Leaving a sensitive column out does "
        "not help where other inputs stand in for it.",
        "强度为 1 表示完全泄露所属组，0 表示毫无关系（Cramér's V）。若其他输入列可以替代敏感列，仅删除敏感列并无帮助。",
    ),
    "fairness.column": ("Input", "输入列"),
    "fairness.strength": ("Strength", "强度"),
    "fairness.explained": ("Share of the group explained", "可解释的分组信息占比"),
    "fairness.mitigations": ("What would close the gaps, and what it would cost", "缩小差距的办法及其代价"),
    "fairness.mitigations.about": (
        "A threshold for each group is chosen on one half of the test rows and measured on the other half. To use the "
        "group of a person in a decision can itself be unlawful where the group is protected: these rows show a "
        "price, they are not a recommendation. A reweighted retrain "
        "uses the group in training only: each group then has the same weighted share of every class.",
        "每组一个阈值：在一半测试行上选定，在另一半上测量。若该人群受法律保护，在决定中使用个人所属的组本身就可能违法："
        "下表展示的是代价，并非建议。重新加权训练仅在训练时使用分组信息：加权后每个组中各类别的占比相同。",
    ),
    "fairness.goal": ("Mitigation", "办法"),
    "goal.selection": ("Own thresholds, equal selection", "各组阈值，选中率相等"),
    "goal.tpr": ("Own thresholds, equal TPR", "各组阈值，TPR 相等"),
    "goal.reweighted": ("Reweighted retrain", "重新加权训练"),
    "fairness.thresholds": ("Thresholds on the probability of “{favorable}”", "“{favorable}”概率的阈值"),
    "fairness.threshold": ("Threshold", "阈值"),
    "closed.selection_ratio": ("Selection ratio", "选中率之比"),
    "closed.tpr_difference": ("TPR difference", "TPR 之差"),
    "fairness.change": ("Change of accuracy", "准确率变化"),
    "fairness.cost": ("Change of cost", "每行成本变化"),
    "fairness.before_after": ("{before} → {after}", "{before} → {after}"),
    "finding.group_gap.ratio": (
        "{label}: the favorable answer {favorable!r} is given to {least_value:.1%} of {least} and to {most_value:.1%} "
        "of {most}, a ratio of {value:.2f} ({lower:.2f} to {upper:.2f}), below four fifths; look for its reasons, or "
        "weigh the mitigations of the chapter on fairness",
        "{label}：{least} 组有 {least_value:.1%} 得到有利结果 {favorable!r}，{most} 组为 {most_value:.1%}，比值 "
        "{value:.2f}（{lower:.2f} 至 {upper:.2f}），低于五分之四；请查找原因，或权衡公平性一章中的缓解办法",
    ),
    "finding.group_gap.likely": (
        "{label}: the favorable answer {favorable!r} is given to {least_value:.1%} of {least} and to {most_value:.1%} "
        "of {most}, a ratio of {value:.2f} ({lower:.2f} to {upper:.2f}), which is below four fifths; chance alone "
        "would show as much in fewer than 1 of 20 tables; more rows would settle it",
        "{label}：{least} 组有 {least_value:.1%} 得到有利结果 {favorable!r}，{most} 组为 {most_value:.1%}，比值 "
        "{value:.2f}（{lower:.2f} 至 {upper:.2f}），低于五分之四；仅凭偶然，20 张表中出现这种情况的不到 1 张；"
        "更多的行可以给出定论",
    ),
    "finding.group_gap.tpr": (
        "{label}: of those whose true class is {favorable!r}, {least_value:.1%} of {least} and {most_value:.1%} of "
        "{most} are given it, a difference of {value:.2f} ({lower:.2f} to {upper:.2f}); look for its reasons, or "
        "weigh the mitigations of the chapter on fairness",
        "{label}：真实类别为 {favorable!r} 的人中，{least} 组有 {least_value:.1%} 得到该结果，{most} 组为 "
        "{most_value:.1%}，相差 {value:.2f}（{lower:.2f} 至 {upper:.2f}）；请查找原因，或权衡公平性一章中的缓解办法",
    ),
    "finding.group_gap.error": (
        "{label}: predictions for {least} are off by {least_value:.4g} on average and for {most} by {most_value:.4g}, "
        "a difference of {value:.4g} ({lower:.4g} to {upper:.4g}); look for what the model lacks about these rows",
        "{label}：对 {least} 组的预测平均偏差 {least_value:.4g}，对 {most} 组为 {most_value:.4g}，相差 {value:.4g}"
        "（{lower:.4g} 至 {upper:.4g}）；请查找模型对这些行缺少哪些信息",
    ),
    "finding.rows.absent_sensitive": (
        "the sensitive column {column!r} is not among the test rows, so nothing is known about its groups; add it to "
        "the rows or correct evaluation.sensitive",
        "测试行中没有敏感列 {column!r}，因此无法了解其各组情况；请将该列加入数据，或更正 evaluation.sensitive",
    ),
    "finding.rows.unknown_favorable": (
        "the favorable class {label!r} is not among the classes {classes}, so fairness is not measured; correct "
        "evaluation.favorable",
        "有利类别 {label!r} 不在类别 {classes} 之中，因此未测量公平性；请更正 evaluation.favorable",
    ),
    "note.fairness_favorable": (
        "evaluation.favorable is not declared, so fairness takes {label!r} for the answer that people wish for; set it "
        "if that is another one.",
        "未声明 evaluation.favorable，因此公平性一章把 {label!r} 当作人们希望得到的结果；若应为其他类别，请设置该项。",
    ),
    "note.fairness_read": (
        "The model reads sensitive columns ({columns}): it may decide by them, which is unlawful for some decisions "
        "and groups.",
        "模型读取了敏感列（{columns}）：可能据此作出决定，对某些决定和人群而言这是违法的。",
    ),
    "note.fairness_small": (
        "{label}: groups with fewer than 30 rows are shown and not compared: {groups}.",
        "{label}：少于 30 行的组仅展示，不参与比较：{groups}。",
    ),
    "note.fairness_alone": (
        "{label}: fewer than two groups have 30 rows, so nothing is compared.",
        "{label}：不足两个组达到 30 行，因此未作比较。",
    ),
    "note.fairness_pairs": (
        "Fairness is measured by the first {shown} pairs of sensitive columns; {left} are left out.",
        "公平性仅按前 {shown} 对敏感列交叉测量；其余 {left} 对未测量。",
    ),
    "note.fairness_columns": (
        "Fairness is measured by the first {shown} sensitive columns; {left} are left out.",
        "公平性仅按前 {shown} 个敏感列测量；其余 {left} 个未测量。",
    ),
    "note.fairness_no_reweighting": (
        "No reweighted retrain is shown: {reason}.",
        "未展示重新加权训练的结果：{reason}。",
    ),
}
