"""Words of the chapter about rows, and of what the checks of rows find."""

from collections.abc import Mapping

_MORE = ("The same is true of {count} more columns.", "另有 {count} 列存在同样的问题。")

WORDS: Mapping[str, tuple[str, str]] = {
    "finding.leakage.alone": (
        "{column!r} alone explains {power:.1%} of what could be predicted: it is most likely made from the "
        "target, or known only after it; leave it out and train again.",
        "仅凭列“{column}”就能解释可预测部分的 {power:.1%}：它很可能由目标推导而来，或在目标之后才得知；"
        "请去掉该列后重新训练。",
    ),
    "finding.leakage.together": (
        "{first!r} and {second!r} together make up the target almost exactly; leave them out and train again.",
        "列“{first}”与“{second}”合在一起几乎恰好等于目标；请去掉它们后重新训练。",
    ),
    "finding.leakage.more": _MORE,
    "finding.duplicates.split": (
        "{count} of {total} test rows ({share:.1%}) have inputs that are also among the training rows, where "
        "chance explains {expected:.1%}; remove duplicates before splitting, or split by what the rows belong to.",
        "{total} 行测试数据中有 {count} 行（{share:.1%}）的输入也出现在训练数据中，而偶然只能解释 {expected:.1%}；"
        "请在划分之前去重，或按行所属的对象划分。",
    ),
    "finding.duplicates.inside": (
        "{count} of {total} test rows ({share:.1%}) repeat another test row, so they count twice and the "
        "intervals are too narrow; remove duplicates.",
        "{total} 行测试数据中有 {count} 行（{share:.1%}）与其他测试行重复，被重复计算，区间因此过窄；请去重。",
    ),
    "finding.identifier.numbered": (
        "{column!r} numbers the rows ({distinct} different whole numbers in {total} rows), and the model reads "
        "it; leave it out, or declare it under `identifiers`.",
        "列“{column}”只是行的编号（{total} 行中有 {distinct} 个不同的整数），而模型读取了它；请去掉该列，或在 "
        "`identifiers` 中声明。",
    ),
    "finding.identifier.named": (
        "{column!r} names the rows ({distinct} different texts in {total} rows, such as {example!r}), and the "
        "model reads it; leave it out, or declare it under `identifiers`.",
        "列“{column}”只是行的名称（{total} 行中有 {distinct} 个不同的文本，例如“{example}”），而模型读取了它；"
        "请去掉该列，或在 `identifiers` 中声明。",
    ),
    "finding.identifier.more": _MORE,
    "finding.time.earlier": (
        "{share:.1%} of the test rows are earlier than the latest training rows ({latest}) by {column!r}, and "
        "what is in the rows changes with time ({changing}): the numbers look better than the future will be; "
        "split by time.",
        "按列“{column}”，{share:.1%} 的测试行早于最晚的训练行（{latest}），而数据随时间变化（{changing}）："
        "指标会好于未来的真实表现；请按时间划分。",
    ),
    "finding.time.error_grows": (
        "The mean absolute error grows with time by {column!r}: {early:.4g} in the first third of the test rows, "
        "{late:.4g} in the last; train on newer rows, and plan to train again.",
        "平均绝对误差随时间（列“{column}”）增大：测试行的前三分之一为 {early:.4g}，后三分之一为 {late:.4g}；"
        "请用更新的数据训练，并安排定期重新训练。",
    ),
    "finding.time.mistakes_grow": (
        "The share of wrong answers grows with time by {column!r}: {early:.1%} in the first third of the test rows, "
        "{late:.1%} in the last; train on newer rows, and plan to train again.",
        "错误答案的占比随时间（列“{column}”）增大：测试行的前三分之一为 {early:.1%}，后三分之一为 {late:.1%}；"
        "请用更新的数据训练，并安排定期重新训练。",
    ),
    "finding.hidden_missing.code": (
        "{value:g} in {column!r} ({share:.1%} of the rows) lies far from all other values ({low:g} to {high:g}) "
        "and looks like a code for a missing value; make it missing.",
        "列“{column}”中的 {value:g}（占 {share:.1%} 的行）远离其他所有值（{low:g} 到 {high:g}），"
        "像是缺失值的代码；请将其改为缺失。",
    ),
    "finding.hidden_missing.zero": (
        "0 in {column!r} ({share:.1%} of the rows) lies far below all other values ({low:g} to {high:g}) and may "
        "stand for a missing value; if it does, make it missing.",
        "列“{column}”中的 0（占 {share:.1%} 的行）远低于其他所有值（{low:g} 到 {high:g}），可能代表缺失；"
        "若确实如此，请将其改为缺失。",
    ),
    "finding.hidden_missing.word": (
        "{value!r} in {column!r} ({share:.1%} of the rows) says that the value is missing; make it missing.",
        "列“{column}”中的“{value}”（占 {share:.1%} 的行）表示缺失；请将其改为缺失。",
    ),
    "finding.hidden_missing.none": (
        "{value!r} in {column!r} ({share:.1%} of the rows) may say that the value is missing, or that there is "
        "nothing; make it missing if it is.",
        "列“{column}”中的“{value}”（占 {share:.1%} 的行）可能表示缺失，也可能表示“没有”；若为缺失，请将其改为缺失。",
    ),
    "finding.hidden_missing.more": _MORE,
    "finding.unit.whole": (
        "{column!r} is about {factor:g} times as large in the test rows as in training (the middle is "
        "{middle:.4g}, was {before:.4g}): it is in another unit; bring both to one.",
        "列“{column}”在测试数据中约为训练时的 {factor:g} 倍（中位数为 {middle:.4g}，原为 {before:.4g}）："
        "单位不同；请统一单位。",
    ),
    "finding.unit.degrees": (
        "{column!r} is in degrees {now} in the test rows and was in {then} in training (the middle is "
        "{middle:.4g}, was {before:.4g}); bring both to one.",
        "列“{column}”在测试数据中为 {now}，训练时为 {then}（中位数为 {middle:.4g}，原为 {before:.4g}）；请统一单位。",
    ),
    "finding.unit.mixed": (
        "{count} values of {column!r} ({share:.1%} of the rows) are about {factor:g} times as large as the others "
        "(such as {example:g} beside a middle of {middle:.4g}): they are in another unit; bring all to one.",
        "列“{column}”有 {count} 个值（占 {share:.1%} 的行）约为其他值的 {factor:g} 倍（例如 {example:g}，"
        "而中位数为 {middle:.4g}）：单位不同；请统一单位。",
    ),
    "finding.unit.more": _MORE,
    "finding.shift.shape": (
        "{column!r} is distributed otherwise than in training (PSI {psi:.2f}; its values lie {w1:.2f} standard "
        "deviations apart); find out why before trusting the numbers.",
        "列“{column}”的分布与训练时不同（PSI {psi:.2f}，取值相距 {w1:.2f} 个标准差）；在相信指标之前请查明原因。",
    ),
    "finding.shift.categories": (
        "The values of {column!r} have other shares than in training (PSI {psi:.2f}); find out why before trusting the "
        "numbers.",
        "列“{column}”各取值的占比与训练时不同（PSI {psi:.2f}）；在相信指标之前请查明原因。",
    ),
    "finding.shift.several": (
        "{count} columns are distributed otherwise than in training, most of all (with their PSI) {worst}: these are "
        "other rows than those of training; find out why before trusting the numbers.",
        "{count} 列的分布与训练时不同，差异最大的是（括号内为 PSI）{worst}：测试行与训练行并不同类；"
        "在相信指标之前请查明原因。",
    ),
    "finding.shift.missing": (
        "{column!r} is missing in {share:.1%} of the test rows, and was in {before:.1%} of the training rows; "
        "find out why.",
        "列“{column}”在 {share:.1%} 的测试行中缺失，训练时为 {before:.1%}；请查明原因。",
    ),
    "finding.shift.unseen": (
        "{column!r} holds values that training did not know in {share:.1%} of the test rows, where {before:.1%} "
        "would be expected; train on newer rows.",
        "列“{column}”在 {share:.1%} 的测试行中出现训练时未见过的值，而预期为 {before:.1%}；请用更新的数据训练。",
    ),
    "finding.shift.outside": (
        "{column!r} lies outside the usual range of training in {share:.1%} of the test rows, and did in "
        "{before:.1%} of the training rows; predictions there are guesses.",
        "列“{column}”在 {share:.1%} 的测试行中超出训练时的通常范围（训练时为 {before:.1%}）；这些预测不可靠。",
    ),
    "finding.shift.classes": (
        "The classes have other shares than in training, most of all {label!r} ({now:.1%}, was {before:.1%}): "
        "thresholds and stated probabilities may no longer fit.",
        "各类别的占比与训练时不同，其中“{label}”变化最大（{now:.1%}，原为 {before:.1%}）：阈值与概率可能不再适用。",
    ),
    "finding.shift.target": (
        "The target is distributed otherwise than in training (the mean is {now:.4g}, was {before:.4g}); find out "
        "why before trusting the numbers.",
        "目标的分布与训练时不同（均值为 {now:.4g}，原为 {before:.4g}）；在相信指标之前请查明原因。",
    ),
    "finding.shift.more": _MORE,
    "finding.rows.time_absent": (
        "The declared time column {column!r} is not among the columns of the test rows, so nothing was checked by "
        "time; mend `evaluation.time` in golive.yaml.",
        "声明的时间列“{column}”不在测试数据的列中，因此未按时间检查；请修改 golive.yaml 中的 `evaluation.time`。",
    ),
    "finding.rows.time_empty": (
        "The declared time column {column!r} is empty in all test rows, so nothing was checked by time.",
        "声明的时间列“{column}”在所有测试行中均为空，因此未按时间检查。",
    ),
    "finding.rows.time_unreadable": (
        "{count} values of the time column {column!r} ({share:.1%}) are no dates or numbers, such as {example!r}; "
        "write them as 2026-01-31 or 2026-01-31T13:00:00.",
        "时间列“{column}”有 {count} 个值（{share:.1%}）既不是日期也不是数字，例如“{example}”；请写成 2026-01-31 "
        "或 2026-01-31T13:00:00。",
    ),
    "finding.rows.constant_predictions": (
        "The model gives the same answer for all {total} test rows; it has learned nothing from its inputs.",
        "模型对全部 {total} 行测试数据给出相同的答案；它没有从输入中学到任何东西。",
    ),
    "finding.rows.one_class": (
        "All {total} test rows are of class {label!r}, so nothing can be said about the others; choose test rows "
        "that hold every class.",
        "全部 {total} 行测试数据都属于类别“{label}”，无法评价其他类别；请选择包含所有类别的测试数据。",
    ),
    "finding.rows.one_value": (
        "All {total} test rows have the same true value, {value:.6g}, so nothing can be said about others; choose "
        "other test rows.",
        "全部 {total} 行测试数据的真实值相同（{value:.6g}），无法评价其他情况；请选择其他测试数据。",
    ),
    "finding.rows.probabilities": (
        "{count} answers are no probabilities: they lie outside 0 to 1 or do not add up to 1 (row {row}: "
        "{example:.4g}); mend the model's last step.",
        "有 {count} 个答案不是概率：超出 0 到 1，或总和不为 1（第 {row} 行：{example:.4g}）；请修正模型的最后一步。",
    ),
    "finding.rows.column_missing": (
        "{column!r} is missing in all test rows, though the model reads it and had it in {before:.1%} of the "
        "training rows; the numbers are those of a model without it.",
        "列“{column}”在所有测试行中都缺失，而模型读取它，训练时 {before:.1%} 的行有值；当前指标相当于没有该列的模型。",
    ),
    "finding.rows.column_empty": (
        "{column!r} is missing in every row, though the model reads it; leave it out.",
        "列“{column}”在每一行都缺失，而模型读取了它；请去掉该列。",
    ),
    "finding.rows.column_constant": (
        "{column!r} has one value in all test rows, though {before:.1%} of the training rows have another; the "
        "test rows are not like those of training.",
        "列“{column}”在所有测试行中只有一个值，而训练时 {before:.1%} 的行为其他值；测试数据与训练数据不同。",
    ),
    "finding.rows.column_of_a_time": (
        "{column!r} has one value in all test rows, which are later than the training rows, where {before:.1%} have "
        "another: it may be that of their time; what the model makes of other values is not tested.",
        "列“{column}”在所有测试行中只有一个值；测试行晚于训练行，而训练时 {before:.1%} 的行为其他值：这可能是该时段"
        "特有的；模型对其他取值的表现没有得到检验。",
    ),
    "finding.rows.column_copy": (
        "{column!r} is the same as {other!r} in every row; leave one of them out.",
        "列“{column}”与“{other}”在每一行都相同；请去掉其中一列。",
    ),
    "finding.rows.no_group": (
        "evaluation.group names {column!r}, which these rows do not have, so rows are taken as independent; give the "
        "column, or leave the word out.",
        "evaluation.group 指定的列“{column}”在这些数据中不存在，因此各行被视为相互独立；请补上该列或去掉这一设置。",
    ),
    "finding.rows.unusable": (
        "none of {count} rows can be measured: the truth, {target!r}, must be {wanted} in rows that the model accepts; "
        "write it as the model was trained with it.",
        "{count} 行数据都无法测量：真值“{target}”须为 {wanted}，且该行须被模型接受；请按模型训练时的写法书写。",
    ),
    "finding.rows.no_numbers": (
        "The model gave no number for {count} of {total} rows (such as row {shown}), so nothing of it is measured, as "
        "means over the others would hide them; mend the model, or take out the rows that it cannot answer.",
        "模型在 {total} 行中有 {count} 行未给出数值（如第 {shown} 行），因此未对它做任何测量：只对其余行取平均会"
        "掩盖这些行；请修正模型，或去掉它无法回答的行。",
    ),
    "finding.rows.unknown_labels": (
        "{count} of {total} rows ({share:.1%}) have no label that the model knows and are left out (such as row "
        "{shown}): the numbers speak of the others only; give their labels as the model was trained with them.",
        "{total} 行中有 {count} 行（{share:.1%}）没有模型已知的标签，未计入（如第 {shown} 行）：指标只反映其余行；"
        "请按模型训练时的写法给出标签。",
    ),
    "finding.rows.missing_truth": (
        "{count} of {total} rows ({share:.1%}) have no true value and are left out (such as row {shown}): the numbers "
        "speak of the others only; find out why it is missing, as such rows may be the hard ones.",
        "{total} 行中有 {count} 行（{share:.1%}）没有真值，未计入（如第 {shown} 行）：指标只反映其余行；"
        "请查明缺失的原因，这些行可能正是较难的行。",
    ),
    "finding.rows.single_groups": (
        "{count} of {groups} groups by {column!r} have one row only, where nothing can be ranked or compared; "
        "group by another column.",
        "按列“{column}”分成的 {groups} 组中有 {count} 组只有一行，无法排序或比较；请按其他列分组。",
    ),
    "finding.rows.more": _MORE,
    "note.checks_no_training": (
        "The training rows were not at hand, so duplicates across the split and the order in time were not checked",
        "没有训练数据，因此未检查训练与测试之间的重复行以及时间先后",
    ),
    "note.unlooked.rows": (
        "There are {count} test rows; {least} are needed",
        "测试数据只有 {count} 行，至少需要 {least} 行",
    ),
    "note.unlooked.no_reference": (
        "There are neither enough training rows nor counts of them to compare the test rows with",
        "没有足够的训练数据或其计数可与测试数据比较",
    ),
    "note.unlooked.undeclared": ("{setting} names no column", "{setting} 未指定列"),
    "note.unlooked.no_probabilities": (
        "A regression states no probabilities",
        "回归模型不给出概率",
    ),
    "note.unlooked.few_outcomes": (
        "Too few rows are answered rightly, or wrongly, to compare probabilities with what happens; or the answers are "
        "no probabilities",
        "答对或答错的行太少，无法将概率与实际结果比较；或者给出的不是概率",
    ),
    "note.unlooked.no_rule": (
        "No rule of the gate can be followed under stress",
        "没有可在扰动下跟踪的门禁规则",
    ),
    "note.unlooked.fails_already": (
        "No rule that can be followed under stress holds even without stress",
        "可在扰动下跟踪的规则在无扰动时就都不成立",
    ),
    "note.unlooked.no_small_stress": (
        "No input can be made a little worse",
        "没有可以施加轻微扰动的输入",
    ),
    "note.unlooked.no_answer": (
        "The model gave no answer while this was looked for, as its own finding says",
        "查找时模型未给出回答（见相应的问题）",
    ),
    "note.checks_few": (
        "With {count} rows too few cases are there to look for columns that give the target away",
        "只有 {count} 行，样本太少，无法检查泄露目标的列",
    ),
    "chapter.checks": ("Rows", "数据检查"),
    "chapter.checks.about": (
        "What is in the {test} test rows, beside the {training} training rows: columns that differ most come "
        "first. PSI says how far two distributions are apart, less what chance explains: below 0.1 (numbers) or 0.02 "
        "(texts) it is little, and from there on a finding where chance does not explain it. The move is in standard "
        "deviations, and of few rows some of it is chance.",
        "{test} 行测试数据与 {training} 行训练数据的对比，差异最大的列排在最前。PSI 表示两个分布的距离，已扣除偶然部分"
        "：数值列从 0.1 起、文本列从 0.02 起，若偶然无法解释即列为问题，以下为小；移动以标准差为单位，行数少时部分出于"
        "偶然。",
    ),
    "chapter.checks.alone": (
        "What is in the {test} test rows. The training rows are not at hand; where the model's bundle holds their "
        "counts, the test rows are compared with those.",
        "{test} 行测试数据的概况。没有训练数据；若模型包中保存了训练时的计数，则与之比较。",
    ),
    "checks.columns": ("Columns", "各列"),
    "checks.columns.more": ("{count} more columns differ less.", "另有 {count} 列差异更小。"),
    "checks.number": ("number", "数值"),
    "checks.text": ("text", "文本"),
    "checks.missing.training": ("Missing in training", "训练时缺失"),
    "checks.missing.test": ("Missing in test", "测试中缺失"),
    "checks.distinct": ("Distinct", "不同值"),
    "checks.minimum": ("Smallest", "最小值"),
    "checks.median": ("Middle", "中位数"),
    "checks.maximum": ("Largest", "最大值"),
    "checks.outliers": ("Outliers", "离群值"),
    "checks.psi": ("PSI", "PSI"),
    "checks.w1": ("Move", "移动"),
    "checks.shape": ("Test, training", "测试与训练"),
    "checks.shape.alt": (
        "Distribution of {column} in test (bars) and training (line)",
        "{column} 在测试（柱）与训练（线）中的分布",
    ),
    "checks.time": ("Error over time", "误差随时间的变化"),
    "checks.time.alt": (
        "Error in {slices} spans of time, from {first} in the first to {last} in the last, with 95 % intervals",
        "{slices} 个时间段的误差，从第一段的 {first} 到最后一段的 {last}，附 95% 区间",
    ),
    "checks.time.axis": ("Span of time", "时间段"),
    "checks.time.error.regression": ("Mean absolute error", "平均绝对误差"),
    "checks.time.error.classification": ("Share of wrong answers", "错误答案占比"),
    "checks.time.about": (
        "The test rows in order of {column}, from {first} to {last}; {share} of them are earlier than the latest "
        "training rows.",
        "按“{column}”排序的测试行，从 {first} 到 {last}；其中 {share} 早于最晚的训练行。",
    ),
    "checks.time.about.alone": (
        "The test rows in order of {column}, from {first} to {last}.",
        "按“{column}”排序的测试行，从 {first} 到 {last}。",
    ),
    "finding.rows.refused": (
        "{count} of {total} rows are left out, as the model refuses them; the first, at position {row} (counted from "
        "0), has {value!r} in {column!r}.",
        "{total} 行中有 {count} 行被模型拒绝，未计入；第一处位于位置 {row}（从 0 计）：列“{column}”的值为“{value}”。",
    ),
    "finding.rows.refused_missing": (
        "{count} of {total} rows are left out, as the model refuses them; the first, at position {row} (counted from "
        "0), has no value in {column!r}.",
        "{total} 行中有 {count} 行被模型拒绝，未计入；第一处位于位置 {row}（从 0 计）：列“{column}”没有值。",
    ),
    "finding.rows.refused_whole": (
        "{count} of {total} rows are left out, as the model refuses them; the first, at position {row} (counted from "
        "0), for this reason: {why}.",
        "{total} 行中有 {count} 行被模型拒绝，未计入；第一处位于位置 {row}（从 0 计），原因：{why}。",
    ),
    "note.emptied": (
        "{count} values are no numbers, such as {value} in {column} at position {row} (counted from 0), and are read "
        "as missing, as cleaning.wrong_types says",
        "有 {count} 个值不是数字（如列“{column}”位置 {row}（从 0 计）的“{value}”），按 cleaning.wrong_types 的设置视为"
        "缺失",
    ),
    "note.explained_refused": (
        "The model refuses rows whose values are mixed with those of its training rows, so its answers are not "
        "explained: {why}",
        "模型拒绝与训练行混合取值后的行，因此无法解释其回答：{why}",
    ),
}
