"""Words of the chapter about explanations."""

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    "explained": ("What the model goes by", "模型依据什么作答"),
    "note.mixed_refused": (
        "The model refuses values of {columns} beside those of other columns, so no curve of theirs is drawn.",
        "模型拒绝 {columns} 的某些取值与其他列取值的组合，因此不绘制其曲线。",
    ),
    "explained.none": (
        "The bundle holds no background rows, or the model reads too many columns to ask about each; contributions "
        "are left out.",
        "模型包中没有背景数据行，或列数过多而无法逐列询问；因此不给出贡献值。",
    ),
    "explained.about": (
        "Contributions (Shapley values) to {rows} rows: how far each column moves the answer from what it is on "
        "average over the background rows; they add up to the answer. They say what the model does, not what causes "
        "what.",
        "{rows} 行数据的贡献值（沙普利值）：每一列使答案偏离背景数据平均答案的幅度，各列相加即为答案。"
        "它们说明模型的行为，而不是因果关系。",
    ),
    "explained.method.tree": ("They are exact, from the model's own trees.", "由模型自身的树精确计算。"),
    "explained.method.linear": ("They are exact, from the model's own weights.", "由模型自身的权重精确计算。"),
    "explained.method.permutation": (
        "They come from asking the model about mixed rows.",
        "通过询问模型混合的数据行得到。",
    ),
    "explained.scale.value": ("They are in the unit of the answer.", "单位与答案相同。"),
    "explained.scale.log_odds": ("They are log-odds.", "以对数几率计。"),
    "explained.scale.probability": ("They are probabilities.", "以概率计。"),
    "explained.error": (
        "Base and contributions miss the answer by {error} at most.",
        "基准值与贡献值之和同答案最多相差 {error}。",
    ),
    "explained.spread": (
        "Of a sampled contribution the standard error is {spread} (median).",
        "抽样所得贡献值的标准误差（中位数）为 {spread}。",
    ),
    "explained.importance": ("Share of all contributions", "各列占全部贡献的比例"),
    "explained.left": ("{count} more columns are not shown.", "另有 {count} 列未显示。"),
    "explained.axis.share": ("Share of all contributions", "占全部贡献的比例"),
    "explained.axis.value": ("Contribution to the answer", "对答案的贡献"),
    "explained.axis.log_odds": ("Contribution in log-odds", "贡献（对数几率）"),
    "explained.axis.probability": ("Contribution to the probability", "对概率的贡献"),
    "explained.sum.value": ("Answer, from the average to this row's", "答案：由平均值到该行"),
    "explained.sum.log_odds": ("Log-odds, from the average to this row's", "对数几率：由平均值到该行"),
    "explained.sum.probability": ("Probability, from the average to this row's", "概率：由平均值到该行"),
    "explained.base": ("average", "平均"),
    "explained.answer": ("this row", "该行"),
    "explained.alt.importance": (
        "Share of each column in all contributions, with intervals; the largest is {name} with {share}",
        "各列占全部贡献的比例及其区间；最大的是 {name}，占 {share}",
    ),
    "explained.swarm": ("Contributions, row by row", "逐行贡献"),
    "explained.swarm.about": (
        "One dot a row; its color is the rank of the value among the rows, low to high; gray is a text or missing.",
        "每点代表一行；颜色表示该值在各行中由低到高的名次，灰色为文本或缺失。",
    ),
    "explained.alt.swarm": (
        "Contributions of the columns {names} to single rows, colored by the value",
        "各列（{names}）对每一行的贡献，颜色表示取值高低",
    ),
    "explained.best": ("The row answered best", "回答最好的一行"),
    "explained.worst": ("The row answered worst", "回答最差的一行"),
    "explained.borderline": ("The row nearest to another decision", "最接近另一判定的一行"),
    "explained.usual": ("A row with the usual answer", "答案最典型的一行"),
    "explained.row": (
        "Row {row} of the test rows, counted from 0; true answer {truth}; predicted {predicted}.",
        "测试数据第 {row} 行（从 0 数起）；真实答案 {truth}；预测 {predicted}。",
    ),
    "explained.others": ("{count} other columns", "其余 {count} 列"),
    "explained.alt.waterfall": (
        "Row {row}: from {base} on average to {answer}, column by column; the largest step is {name}",
        "第 {row} 行：由平均的 {base} 逐列变为 {answer}；变化最大的是 {name}",
    ),
    "explained.dependence": ("Dependence on one column", "对单列的依赖"),
    "explained.dependence.about": (
        "The mean answer when the column has another value in the same rows; 8 of 10 rows lie in the band.",
        "在相同的行中改变该列取值时的平均答案；阴影内为十分之八的行。",
    ),
    "explained.alt.dependence": (
        "Mean answer against {name}; it goes from {low} to {high}",
        "平均答案随 {name} 的变化；范围由 {low} 到 {high}",
    ),
    "explained.shuffled": ("Shuffled columns", "打乱各列"),
    "explained.column": ("Column", "列"),
    "explained.rise": ("Rise of {metric}", "{metric}的升高"),
    "explained.shuffled.about": (
        "How much {metric} rises when a column's values are dealt out anew among {rows} test rows. Columns that say "
        "the same hide one another.",
        "将某列的值在 {rows} 行测试数据间重新分配后{metric}的升高。内容相同的列会互相掩盖。",
    ),
}
