"""Words about models of tensors."""

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    "tensors.inputs": ("Tensors in", "输入张量"),
    "tensors.outputs": ("Tensors out", "输出张量"),
    "tensors.shape": ("Shape (-1: any length)", "形状（-1 表示任意长度）"),
    "note.tensors_logits": (
        "The answers in {answer!r} are no probabilities; they are taken as logits, and their softmax is measured.",
        "输出 {answer!r} 不是概率；这里把它当作 logits，测量的是其 softmax。",
    ),
    "note.tensors_second_logit": (
        "The answers in {answer!r} are no probabilities; they are taken as logits of class {label}, and their logistic "
        "function is measured.",
        "输出 {answer!r} 不是概率；这里把它当作类别 {label} 的 logit，测量的是其逻辑函数值。",
    ),
    "note.tensors_labels": (
        "The answers in {answer!r} are labels, so measures of probabilities say no more than the decisions do.",
        "输出 {answer!r} 是标签，因此与概率有关的指标并不比决策本身说明更多。",
    ),
    "note.tensors_baseline": (
        "The baseline is the best constant answer on these rows, as the rows of training are not at hand.",
        "没有训练数据可用，因此基线是在这些行上最好的常数回答。",
    ),
    "note.tensors_champion": (
        "The model to compare with does not take these arrays or gives no such {output!r}, and is not measured.",
        "用来比较的模型不接受这些数组，或没有相应的输出 {output!r}，因此未被测量。",
    ),
    "note.tensors_outputs": (
        "{count} numbers a row are measured together: counts are of numbers, intervals of rows.",
        "每行的 {count} 个数一起测量：计数以数为单位，区间以行为单位。",
    ),
    "note.tensors_answer": (
        "The output {output!r} is measured; the model also gives {others}.",
        "被测量的是输出 {output!r}；模型还给出 {others}。",
    ),
    "note.tensors_absent": (
        "Beside the inputs no array of one value a row has the name {columns}, so nothing is measured by it.",
        "输入之外没有每行一个值且名为 {columns} 的数组，因此没有据此测量。",
    ),
    "note.tensors_no_picture": (
        "The declared picture fits no tensor of the model, so no image stress was tried.",
        "声明的图像与模型的任何张量都不符，因此没有尝试图像压力测试。",
    ),
    "note.tensors_pictures": (
        "The input {input!r} is taken as images: {height} x {width} pixels, channels: {channels}.",
        "输入 {input!r} 被当作图像：{height} x {width} 像素，{channels} 个通道。",
    ),
}
