"""Words of the chapter about robustness."""

from collections.abc import Mapping

_GOES = "the rule {rule} no longer holds: {term} goes from {clean:.4g} to {value:.4g}."
_GOES_ZH = "规则 {rule} 就不再成立：{term} 由 {clean:.4g} 变为 {value:.4g}。"

WORDS: Mapping[str, tuple[str, str]] = {
    "finding.robustness.noise": (
        f"Noise of {{strength:g}} standard deviations on the number columns is enough: {_GOES}",
        f"只要数值列带有 {{strength:g}} 个标准差的噪声，{_GOES_ZH}",
    ),
    "finding.robustness.missing": (
        f"With {{strength:.0%}} of the cells missing, {_GOES}",
        f"只要有 {{strength:.0%}} 的单元格缺失，{_GOES_ZH}",
    ),
    "finding.robustness.unseen": (
        f"With {{strength:.0%}} of the category cells at a value that was never seen, {_GOES}",
        f"只要有 {{strength:.0%}} 的类别单元格是从未出现过的值，{_GOES_ZH}",
    ),
    "finding.robustness.misspelt": (
        f"With {{strength:.0%}} of the category cells misspelt, {_GOES}",
        f"只要有 {{strength:.0%}} 的类别单元格拼写有误，{_GOES_ZH}",
    ),
    "finding.robustness.case": (
        f"With {{strength:.0%}} of the category cells in another letter case, {_GOES}",
        f"只要有 {{strength:.0%}} 的类别单元格大小写不同，{_GOES_ZH}",
    ),
    "finding.robustness.whitespace": (
        f"With a blank too many in {{strength:.0%}} of the category cells, {_GOES}",
        f"只要有 {{strength:.0%}} 的类别单元格多出空白，{_GOES_ZH}",
    ),
    "finding.robustness.encoding": (
        f"With {{strength:.0%}} of the category cells in another encoding, {_GOES}",
        f"只要有 {{strength:.0%}} 的类别单元格编码不同，{_GOES_ZH}",
    ),
    "finding.robustness.image_noise": (
        f"Noise of {{strength:.0%}} of the pixels' range is enough: {_GOES}",
        f"只要图像带有像素范围 {{strength:.0%}} 的噪声，{_GOES_ZH}",
    ),
    "finding.robustness.occlusion": (
        f"With {{strength:.0%}} of the image covered, {_GOES}",
        f"只要图像有 {{strength:.0%}} 被遮挡，{_GOES_ZH}",
    ),
    "finding.robustness.broken": (
        "A small stress of the inputs ({stress}) makes the model answer with something that is no number, so the rule "
        "{rule} cannot hold; bound the inputs, or have rows beyond their range refused.",
        "对输入施加很小的压力（{stress}）就会使模型给出非数值的回答，规则 {rule} 无法成立；"
        "请限制输入范围，或拒绝超出范围的行。",
    ),
    "part.recalibration": ("calibration", "概率校准"),
    "part.thresholds": ("thresholds", "判定阈值"),
    "part.anomaly": ("anomalies", "异常检测"),
    "part.ranking": ("ranking", "排序"),
    "part.checks": ("checks of the rows", "数据检查"),
    "part.fairness": ("fairness", "公平性"),
    "part.slices": ("slices", "数据切片"),
    "part.label_noise": ("doubtful labels", "可疑标签"),
    "part.robustness": ("robustness", "稳健性"),
    "part.explained": ("explanations", "解释"),
    "part.reweighting": ("reweighted retrain", "加权重训练"),
    "part.learning_curve": ("learning curve", "学习曲线"),
    "finding.robustness.no_answer": (
        "Asked about more than the test rows ({part}), the model gave no answer: {why}. A request with such values "
        "fails as well; mend the model, or narrow what its signature accepts.",
        "在测试行之外的提问（{part}）中，模型没有给出回答：{why}。含有此类值的请求同样会失败；"
        "请修正模型，或缩小其签名所接受的范围。",
    ),
    "note.stress_columns": (
        "Of {count} inputs, stresses of one column were tried on the {tried} that move the answers most.",
        "在 {count} 个输入中，单列压力测试只针对对答案影响最大的 {tried} 个。",
    ),
    "note.stress_picture": (
        "The declared picture does not fit the model's number columns, so no image stress was tried.",
        "声明的图像与模型的数值列不符，因此没有进行图像压力测试。",
    ),
    "stress": ("Robustness", "稳健性"),
    "stress.about": (
        "The inputs of {rows} test rows are made worse, step by step, and the same rows are answered again. Each point "
        "is {metric} under that stress; the band is the 95 % interval of what the stress changed, and the dashed line "
        "is the value without stress ({clean}).",
        "对 {rows} 行测试数据的输入逐步施加压力后再次作答。每个点是该压力下的 {metric}；阴影为变化量的 95% 区间，"
        "虚线为无压力时的值（{clean}）。",
    ),
    "stress.numbers": ("Noise on number columns", "数值列噪声"),
    "stress.cells": ("Missing values", "缺失值"),
    "stress.range": ("Out of range", "超出范围"),
    "stress.texts": ("Category columns", "类别列"),
    "stress.images": ("Images", "图像"),
    "stress.turned": ("Image rotation", "图像旋转"),
    "stress.moved": ("Image shift", "图像平移"),
    "stress.axis.noise": ("noise, in standard deviations", "噪声（标准差的倍数）"),
    "stress.axis.cells": ("share of cells, in percent", "单元格占比（%）"),
    "stress.axis.range": ("beyond the range, in percent of it", "超出范围的程度（占范围的 %）"),
    "stress.axis.images": ("strength, in percent", "强度（%）"),
    "stress.axis.turned": ("degrees", "角度"),
    "stress.axis.moved": ("pixels", "像素"),
    "stress.alt": (
        "{metric} under stress. {lines}",
        "压力下的 {metric}。{lines}",
    ),
    "stress.alt.line": (
        "{family}: from {first} at {weakest} to {last} at {strongest}.",
        "{family}：强度 {weakest} 时为 {first}，强度 {strongest} 时为 {last}。",
    ),
    "stress.family.noise": ("noise", "噪声"),
    "stress.family.missing": ("missing", "缺失"),
    "stress.family.out_of_range": ("out of range", "超出范围"),
    "stress.family.unseen": ("never seen", "从未出现"),
    "stress.family.misspelt": ("misspelt", "拼写错误"),
    "stress.family.case": ("letter case", "大小写"),
    "stress.family.whitespace": ("blanks", "空白"),
    "stress.family.encoding": ("encoding", "编码"),
    "stress.family.image_noise": ("noise", "噪声"),
    "stress.family.shift": ("shift", "平移"),
    "stress.family.occlusion": ("part covered", "局部遮挡"),
    "stress.family.brightness": ("brightness", "亮度"),
    "stress.family.contrast": ("contrast lost", "对比度损失"),
    "stress.family.rotation": ("rotation", "旋转"),
    "stress.refused": (
        "A server refuses rows under these stresses, which are not in the curves: {parts}.",
        "在下列压力下服务器会拒绝部分行，这些行不在曲线中：{parts}。",
    ),
    "stress.refused.part": ("{family} {strength}: {share:.1%}", "{family} {strength}：{share:.1%}"),
    "stress.broken": (
        "Under these stresses some answers are no numbers, and nothing was measured: {parts}.",
        "在下列压力下部分回答不是数值，无法测量：{parts}。",
    ),
    "stress.limits": ("Where the policy breaks", "门禁规则何时失效"),
    "stress.rule": ("Rule", "规则"),
    "stress.clean": ("Without stress", "无压力时"),
    "stress.breaks": ("Smallest stress that breaks it", "使其失效的最小压力"),
    "stress.breaks.part": ("{family} {strength} ({value})", "{family} {strength}（{value}）"),
    "stress.breaks.none": ("holds under every stress that was tried", "在所有已尝试的压力下均成立"),
    "stress.breaks.already": ("does not hold even without stress", "无压力时就不成立"),
    "stress.unfollowed": (
        "Rules that cannot be followed under stress: {rules}.",
        "无法在压力下跟踪的规则：{rules}。",
    ),
    "stress.singles": ("One column at a time", "逐列压力"),
    "stress.singles.about": (
        "Each stress was tried alone on {rows} rows; the {shown} worst of {tried} are shown. A positive number is by "
        "how much {metric} gets worse.",
        "每种压力单独在 {rows} 行上进行；显示 {tried} 种中最严重的 {shown} 种。正数表示 {metric} 变差的幅度。",
    ),
    "stress.column": ("Column", "列"),
    "stress.kind": ("Stress", "压力"),
    "stress.drop": ("Worse by", "变差幅度"),
    "stress.ratio": ("Times the error", "误差倍数"),
    "stress.refused.head": ("Rows refused", "拒绝的行"),
    "stress.kind.unit": ("unit {stress}", "单位 {stress}"),
    "stress.kind.swap": ("swapped", "互换"),
    "stress.kind.constant": ("stuck at its usual value", "固定为常见值"),
    "stress.rests": (
        "{value}, on the {share} of the rows that a server would answer",
        "{value}，仅基于服务器会作答的 {share} 的行",
    ),
    "stress.answered": ("on the {share} that a server would answer", "仅基于服务器会作答的 {share} 的行"),
    "stress.nothing": ("no numbers", "非数值"),
    "stress.flips": ("Decisions flipped by one column", "单列即可改变的判定"),
    "stress.flips.about": (
        "Share of {rows} rows whose decision changes when one of {columns} number columns moves by at most so many of "
        "its standard deviations. Values near each row were asked about, so there may be a few more.",
        "在 {rows} 行中，{columns} 个数值列之一移动不超过横轴所示的标准差倍数时，判定发生改变的行所占比例。"
        "只询问了各行附近的取值，实际比例可能略高。",
    ),
    "stress.flips.easiest": (
        "It is easiest with {column}: within {strength} standard deviations it flips {value:.1%} of the rows alone.",
        "最容易的是列“{column}”：在 {strength} 个标准差以内，仅凭它就能改变 {value:.1%} 的行。",
    ),
    "stress.flips.none": (
        "No decision was flipped by half a standard deviation of one column.",
        "任何一列移动半个标准差都没有改变判定。",
    ),
    "stress.flips.alt": (
        "Share of rows flipped by one column: {first} at {weakest} and {last} at {strongest} standard deviations.",
        "单列可改变判定的行占比：{weakest} 个标准差时为 {first}，{strongest} 个标准差时为 {last}。",
    ),
    "stress.change": ("How far one column moves the answer", "单列对答案的影响"),
    "stress.change.about": (
        "The most that the answer moves when one of {columns} number columns moves by at most so many of its standard "
        "deviations, in standard deviations of the truth; 19 of 20 of the {rows} rows stay below.",
        "{columns} 个数值列之一移动不超过横轴所示的标准差倍数时，答案的最大变化（以真实值的标准差为单位）；"
        "{rows} 行中有 19/20 低于该值。",
    ),
    "stress.change.easiest": (
        "It is easiest with {column}: within {strength} of its standard deviations it moves one answer in twenty by "
        "{value} or more.",
        "影响最大的是列“{column}”：在 {strength} 个标准差以内，每二十个答案中有一个变化 {value} 或更多。",
    ),
    "stress.change.none": (
        "No number column moved the answer.",
        "没有任何数值列会改变答案。",
    ),
    "stress.change.alt": (
        "Change of the answer by one column: {first} at {weakest} and {last} at {strongest} standard deviations.",
        "单列引起的答案变化：{weakest} 个标准差时为 {first}，{strongest} 个标准差时为 {last}。",
    ),
    "stress.axis.flips": ("change of one column, in standard deviations", "单列变化（标准差的倍数）"),
    "stress.axis.flipped": ("share of rows", "行占比"),
    "stress.axis.changed": ("standard deviations of the truth", "真实值的标准差"),
}
