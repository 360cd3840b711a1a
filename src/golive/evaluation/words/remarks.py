"""Words of methods and remarks, which measures carry in English: what each says is found by its English sentence."""

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    "remark.over_groups": ("{method}, over groups of rows", "{method}，按组计算"),
    "remark.wilson": ("Wilson", "Wilson 区间"),
    "remark.wilson_both": (
        "Wilson, right ones of true or decided rows",
        "Wilson 区间（真实或被判为该类的行中判对的比例）",
    ),
    "remark.delta_logarithm": ("delta method, logarithm of what is unexplained", "delta 方法（未解释部分的对数）"),
    "remark.order_statistics": ("order statistics around the middle", "中位数两侧的次序统计量"),
    "remark.wilson_classes": ("Wilson by class, combined", "由各类别的 Wilson 区间合成"),
    "remark.wilson_classes_paired": (
        "Wilson by class, combined with the influence of rows",
        "由各类别的 Wilson 区间与各行影响函数合成",
    ),
    "remark.both": ("intervals of both numbers, combined", "由两个数值各自的区间合成"),
    "remark.constant_r2": (
        "an answer that never varies explains nothing: 0, but for how far it is from the mean of these rows",
        "不变的答案什么也没有解释：数值为 0，只差它与这些行均值的距离",
    ),
    "remark.ece_difference": (
        "chance raises both errors, each by another amount: brier and log_loss are compared without that",
        "偶然性会抬高两个误差，且抬高的幅度各不相同；brier 与 log_loss 的比较不受此影响",
    ),
    "remark.rarest": ("Wilson on the rarest class", "最少类别上的 Wilson 区间"),
    "remark.found_or_missed": ("Wilson, of found or missed rows", "Wilson 区间（按检出或漏检的行）"),
    "remark.cheapest": (
        "cheapest on these test rows; choose the one to use on validation rows",
        "在这些测试行上成本最低；实际使用的阈值应在验证数据上选择",
    ),
    "remark.delta": ("delta method", "delta 方法"),
    "remark.delta_left": ("delta method, logarithm of what is left", "delta 方法（对剩余部分取对数）"),
    "remark.delta_paired": ("delta method, paired", "delta 方法（成对）"),
    "remark.influence": ("influence of rows", "各行影响函数"),
    "remark.influence_logit": ("influence of rows, logit scale", "各行影响函数（logit 尺度）"),
    "remark.influence_z": ("influence of rows, Fisher's z", "各行影响函数（Fisher z 变换）"),
    "remark.delong": ("DeLong of rows", "DeLong 方法"),
    "remark.delong_logit": ("DeLong of rows, logit scale", "DeLong 方法（logit 尺度）"),
    "remark.t": ("t interval of the mean", "均值的 t 区间"),
    "remark.t_groups": ("t interval of the mean over groups", "按组均值的 t 区间"),
    "remark.bootstrap": ("Poisson bootstrap", "泊松自助法"),
    "remark.resamples": ("Poisson bootstrap, {count} resamples", "泊松自助法，重抽样 {count} 次"),
    "remark.logistic": ("logistic line through the logits", "以 logit 为自变量的逻辑回归线"),
    "remark.timed": ("single rows, timed in this process", "在本进程内逐行计时"),
    "remark.of_metric": ("that of the metric, on the rows of the slice", "与该指标相同，仅用切片内的行"),
    "remark.shares.tree": ("mean size of tree contributions, rows drawn anew", "树模型贡献绝对值的均值，对行重抽样"),
    "remark.shares.linear": ("mean size of linear contributions, rows drawn anew", "线性贡献绝对值的均值，对行重抽样"),
    "remark.shares.permutation": (
        "mean size of permutation contributions, rows drawn anew",
        "置换所得贡献绝对值的均值，对行重抽样",
    ),
    "remark.group_shares": (
        "Wilson and Newcombe intervals, all pairs of groups at once",
        "Wilson 与 Newcombe 区间，所有群体两两同时成立",
    ),
    "remark.group_ratios": (
        "Wilson and Donner-Zou intervals, all pairs of groups at once",
        "Wilson 与 Donner-Zou 区间，所有群体两两同时成立",
    ),
    "remark.group_means": ("Welch intervals, all pairs of groups at once", "Welch 区间，所有群体两两同时成立"),
    "remark.group_levels": ("delta intervals, all pairs of groups at once", "delta 区间，所有群体两两同时成立"),
    "remark.levels": ("delta intervals, all pairs at once", "delta 区间，所有群体两两同时成立"),
    "remark.no_interval": ("no interval exists", "不存在区间"),
    "remark.few_rows": (
        "few rows ({count}): the interval may be a little too narrow; {more} rows would halve it",
        "行数少（{count}）：区间可能略窄；{more} 行可使其减半",
    ),
    "remark.per_row_in": ("per row, in {unit}", "每行，单位为 {unit}"),
    "remark.per_row": ("per row", "每行"),
    "remark.of_these": ("of these rows: among more rows it is larger", "仅就这些行而言：行数越多该值越大"),
    "remark.zeros": ("{count} rows with a true value of 0 are left out", "真实值为 0 的 {count} 行未计入"),
    "remark.quantile": (
        "share of true values at or below the prediction; {quantile} is meant",
        "真实值不超过预测值的比例；目标为 {quantile}",
    ),
    "remark.intercept": ("0 where it is right", "正确时为 0"),
    "remark.slope": ("1 where it is right; below: too sure", "正确时为 1；小于 1 表示过于自信"),
    "remark.unordered": (
        "{count} groups in which nothing can be ordered are left out",
        "无法排序的 {count} 组未计入",
    ),
    "remark.occurring": (
        "mean over the {count} classes that occur in the test rows",
        "测试数据中出现的 {count} 个类别的平均",
    ),
    "remark.separated": ("the classes are separated perfectly on these rows", "在这些行上各类别被完全分开"),
    "remark.refused": ("rows that a server refuses are not counted", "服务器拒绝的行未计入"),
    "remark.worst_slice": ("the worst slice is {slice}", "最差的切片为 {slice}"),
    "remark.no_slice": ("no slice was found; this is of all rows", "未发现切片；此为全部行的数值"),
    "remark.alone": ("the same rows sent one by one and all together", "相同的行逐行发送与整批发送的比较"),
    "remark.companies": ("in companies of 1, 2 and 7", "每批 1、2、7 行"),
    "remark.runs": ("{count} runs", "运行 {count} 次"),
    "remark.float32": (
        "what rounding the inputs to float32 would change; golive does not round them",
        "若将输入舍入为 float32 会产生的变化；golive 不做此舍入",
    ),
    "remark.constant_of": (
        "{columns} (constant), the worst of {count}",
        "{columns}（固定为一个值），{count} 种中最差的",
    ),
    "remark.swap_of": ("{columns} (swap), the worst of {count}", "{columns}（互换），{count} 种中最差的"),
    "remark.worst_of": ("{what}, the worst of {count}", "{what}，{count} 种中最差的"),
    "remark.of_class": ("{count} rows are of this class", "该类共 {count} 行"),
    "remark.median": ("share below the median", "低于中位数的比例"),
    "remark.constant": (
        "an answer that never varies explains nothing: 0, but for how far it is from the mean of these rows",
        "不变的回答没有解释力：除与这些行的均值之差外为 0",
    ),
    "remark.two_errors": (
        "chance raises both errors, each by another amount; compare brier or log_loss, which it does not",
        "偶然会使两者的误差都升高且幅度不同；请比较不受此影响的 brier 或 log_loss",
    ),
    "remark.against": ("{least} against {most}", "{least} 与 {most} 相比"),
}
"""Of two that fit, the one that stands first counts."""
